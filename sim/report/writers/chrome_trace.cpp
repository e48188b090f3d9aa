// SPDX-License-Identifier: Apache-2.0
#include "sim/report/writers/chrome_trace.h"

#include <fmt/format.h>

#include <cstdint>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string_view>

namespace moesim::sim {
namespace {

constexpr const char* kArrow =
    "routing";  // name and category of all arrows; the id tells them apart

std::string quote(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// Nanoseconds as the format's microseconds, without going through binary fractions.
std::string microseconds(std::int64_t ns) { return fmt::format("{}.{:03}", ns / 1000, ns % 1000); }

int process_of(int rank) { return rank + 1; }
int thread_of(Stream stream) { return static_cast<int>(stream) + 1; }

// Streams one event after the other: a large trace is never held as a tree.
class Writer {
 public:
  explicit Writer(const TracePicture& picture) : picture_(picture) {}

  std::string render() {
    append("{{\"displayTimeUnit\":\"ns\",\"metadata\":{},\"traceEvents\":[\n", provenance());
    name_tracks();
    write_provenance();
    for (const Span& span : picture_.spans) write_span(span);
    for (std::size_t id = 0; id < picture_.arrows.size(); ++id) write_arrow(id);
    for (const LinkCounter& counter : picture_.counters) write_counter(counter);
    text_ += "\n]}\n";
    return std::move(text_);
  }

 private:
  template <class... Values>
  void append(fmt::format_string<Values...> format, Values&&... values) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Values>(values)...);
  }

  // Appends one event; the format is the inside of its braces.
  template <class... Values>
  void event(fmt::format_string<Values...> format, Values&&... values) {
    text_ += first_ ? "{" : ",\n{";
    first_ = false;
    append(format, std::forward<Values>(values)...);
    text_ += '}';
  }

  int links_process() const { return process_of(static_cast<int>(picture_.rank_names.size())); }

  std::string provenance() const {
    return fmt::format(
        "{{\"tool\":\"moesim\",\"title\":{},\"routing_source\":{},\"num_ranks\":{},"
        "\"num_nodes\":{},\"end_ns\":{}}}",
        quote(picture_.title), quote(picture_.routing_source), picture_.rank_names.size(),
        picture_.num_nodes, picture_.end_ns);
  }

  void name_tracks() {
    for (std::size_t rank = 0; rank < picture_.rank_names.size(); ++rank) {
      const int process = process_of(static_cast<int>(rank));
      name_process(process, picture_.rank_names[rank]);
      for (const Stream stream : {Stream::compute, Stream::comm}) name_thread(process, stream);
    }
    name_process(links_process(), "links");
  }

  void name_process(int process, std::string_view name) {
    event(R"("ph":"M","pid":{},"name":"process_name","args":{{"name":{}}})", process, quote(name));
    event(R"("ph":"M","pid":{},"name":"process_sort_index","args":{{"sort_index":{}}})", process,
          process);
  }

  void name_thread(int process, Stream stream) {
    const int thread = thread_of(stream);
    event(R"("ph":"M","pid":{},"tid":{},"name":"thread_name","args":{{"name":"{}"}})", process,
          thread, name_of(stream));
    event(R"("ph":"M","pid":{},"tid":{},"name":"thread_sort_index","args":{{"sort_index":{}}})",
          process, thread, thread);
  }

  // Also as an event: not every reader shows the top-level metadata.
  void write_provenance() {
    event(R"("ph":"i","s":"g","pid":{},"tid":1,"ts":0,"name":"provenance","args":{})",
          links_process(), provenance());
  }

  void write_span(const Span& span) {
    event(R"("ph":"X","pid":{},"tid":{},"ts":{},"dur":{},"name":{},"cat":"{}","args":{})",
          process_of(span.rank), thread_of(span.stream), microseconds(span.start_ns),
          microseconds(span.end_ns - span.start_ns), quote(to_text(span.label)),
          name_of(span.label.phase), arguments(span));
  }

  static std::string arguments(const Span& span) {
    std::string text = fmt::format(R"({{"layer":{},"micro_batch":{},"backward":{})",
                                   span.label.layer, span.label.micro_batch, span.label.backward);
    if (span.stream == Stream::comm) {
      text += fmt::format(R"(,"sent_bytes":{},"received_bytes":{})", span.sent_bytes,
                          span.received_bytes);
    }
    return text + '}';
  }

  void write_arrow(std::size_t id) {
    const Span& from = picture_.spans[picture_.arrows[id].from];
    const Span& to = picture_.spans[picture_.arrows[id].to];
    event(R"("ph":"s","id":{},"pid":{},"tid":{},"ts":{},"name":"{}","cat":"{}")", id + 1,
          process_of(from.rank), thread_of(from.stream), microseconds(from.end_ns - 1), kArrow,
          kArrow);
    event(R"("ph":"f","bp":"e","id":{},"pid":{},"tid":{},"ts":{},"name":"{}","cat":"{}")", id + 1,
          process_of(to.rank), thread_of(to.stream), microseconds(to.start_ns), kArrow, kArrow);
  }

  void write_counter(const LinkCounter& counter) {
    const std::string name = quote(counter.name);
    for (const RateSample& sample : counter.samples) {
      event(R"("ph":"C","pid":{},"ts":{},"name":{},"args":{{"GB/s":{}}})", links_process(),
            microseconds(sample.time_ns), name, sample.gigabytes_per_second);
    }
  }

  const TracePicture& picture_;
  std::string text_;
  bool first_ = true;
};

}  // namespace

std::string render_chrome_trace(const TracePicture& picture) { return Writer(picture).render(); }

}  // namespace moesim::sim
