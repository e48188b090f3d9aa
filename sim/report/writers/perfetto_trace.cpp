// SPDX-License-Identifier: Apache-2.0
#include "sim/report/writers/perfetto_trace.h"

#include <cstdint>
#include <map>
#include <protozero/pbf_writer.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/report/writers/perfetto_fields.h"

namespace moesim::sim {
namespace {

namespace pf = perfetto;
using protozero::pbf_writer;

constexpr std::uint32_t kSequence = 1;  // any number but 0
constexpr std::uint64_t kProvenanceTrack = 1;
constexpr std::string_view kProvenance = "provenance";

// Track identities: eight numbers a process are enough for itself and its streams.
constexpr std::uint64_t kTracksPerProcess = 8;

// Strings that later packets name by number, in the order of their first use; numbers start at 1.
class Interned {
 public:
  std::uint64_t operator[](std::string_view text) {
    const auto [where, added] = numbers_.try_emplace(std::string(text), numbers_.size() + 1);
    if (added) order_.push_back(where->first);
    return where->second;
  }

  void write(pbf_writer& data, pf::Tag field) const {
    for (std::size_t i = 0; i < order_.size(); ++i) {
      pbf_writer entry(data, field);
      entry.add_uint64(pf::interned_string::iid, i + 1);
      entry.add_string(pf::interned_string::name, order_[i]);
    }
  }

 private:
  std::map<std::string, std::uint64_t> numbers_;
  std::vector<std::string> order_;
};

class Writer {
 public:
  explicit Writer(const TracePicture& picture)
      : picture_(picture),
        links_process_(static_cast<int>(picture.rank_names.size()) + 1),
        arrows_from_(picture.spans.size()),
        arrows_to_(picture.spans.size()) {
    for (std::size_t id = 0; id < picture.arrows.size(); ++id) {
      arrows_from_[picture.arrows[id].from].push_back(id + 1);
      arrows_to_[picture.arrows[id].to].push_back(id + 1);
    }
  }

  // Events are rendered first, since only then all names are known; the packet that introduces the
  // names still comes first in the file.
  std::string render() {
    write_provenance();
    for (std::size_t i = 0; i < picture_.spans.size(); ++i) write_span(i);
    for (std::size_t i = 0; i < picture_.counters.size(); ++i) write_counter(i);
    const std::string events = std::exchange(bytes_, {});
    write_names();
    describe_tracks();
    return bytes_ + events;
  }

 private:
  static std::uint64_t process_track(int process) { return process * kTracksPerProcess; }
  static std::uint64_t stream_track(int rank, Stream stream) {
    return process_track(rank + 1) + static_cast<std::uint64_t>(stream) + 1;
  }
  std::uint64_t counter_track(std::size_t counter) const {
    return process_track(links_process_ + 1) + counter;
  }

  // Appends one packet of our sequence whose content `fill` adds.
  template <class Fill>
  void packet(int flags, const Fill& fill) {
    pbf_writer trace(bytes_);
    pbf_writer one(trace, pf::trace::packet);
    one.add_uint32(pf::trace_packet::trusted_packet_sequence_id, kSequence);
    one.add_uint32(pf::trace_packet::sequence_flags, flags);
    fill(one);
  }

  template <class Fill>
  void event(std::int64_t time_ns, int type, std::uint64_t track, const Fill& fill) {
    packet(pf::sequence_flags::needs_incremental_state, [&](pbf_writer& one) {
      one.add_uint64(pf::trace_packet::timestamp, static_cast<std::uint64_t>(time_ns));
      pbf_writer body(one, pf::trace_packet::track_event);
      body.add_enum(pf::track_event::type, type);
      body.add_uint64(pf::track_event::track_uuid, track);
      fill(body);
    });
  }

  template <class Fill>
  void track(std::uint64_t uuid, const Fill& fill) {
    packet(pf::sequence_flags::needs_incremental_state, [&](pbf_writer& one) {
      pbf_writer descriptor(one, pf::trace_packet::track_descriptor);
      descriptor.add_uint64(pf::track_descriptor::uuid, uuid);
      fill(descriptor);
    });
  }

  void write_names() {
    packet(pf::sequence_flags::incremental_state_cleared, [&](pbf_writer& one) {
      pbf_writer data(one, pf::trace_packet::interned_data);
      categories_.write(data, pf::interned_data::event_categories);
      names_.write(data, pf::interned_data::event_names);
      annotations_.write(data, pf::interned_data::debug_annotation_names);
    });
  }

  void describe_tracks() {
    track(kProvenanceTrack, [](pbf_writer& descriptor) {
      descriptor.add_string(pf::track_descriptor::name, kProvenance.data(), kProvenance.size());
    });
    for (std::size_t rank = 0; rank < picture_.rank_names.size(); ++rank) {
      describe_process(static_cast<int>(rank) + 1, picture_.rank_names[rank]);
      for (const Stream stream : {Stream::compute, Stream::comm}) {
        describe_stream(static_cast<int>(rank), stream);
      }
    }
    describe_process(links_process_, "links");
    for (std::size_t i = 0; i < picture_.counters.size(); ++i) describe_counter(i);
  }

  void describe_process(int process, const std::string& name) {
    track(process_track(process), [&](pbf_writer& descriptor) {
      pbf_writer inner(descriptor, pf::track_descriptor::process);
      inner.add_int32(pf::process_descriptor::pid, process);
      inner.add_string(pf::process_descriptor::process_name, name);
    });
  }

  void describe_stream(int rank, Stream stream) {
    track(stream_track(rank, stream), [&](pbf_writer& descriptor) {
      descriptor.add_uint64(pf::track_descriptor::parent_uuid, process_track(rank + 1));
      pbf_writer thread(descriptor, pf::track_descriptor::thread);
      thread.add_int32(pf::thread_descriptor::pid, rank + 1);
      thread.add_int32(pf::thread_descriptor::tid, static_cast<int>(stream) + 1);
      thread.add_string(pf::thread_descriptor::thread_name, name_of(stream));
    });
  }

  void describe_counter(std::size_t counter) {
    track(counter_track(counter), [&](pbf_writer& descriptor) {
      descriptor.add_string(pf::track_descriptor::name, picture_.counters[counter].name);
      descriptor.add_uint64(pf::track_descriptor::parent_uuid, process_track(links_process_));
      pbf_writer unit(descriptor, pf::track_descriptor::counter);
      unit.add_string(pf::counter_descriptor::unit_name, "GB/s");
    });
  }

  void write_provenance() {
    event(0, pf::event_type::instant, kProvenanceTrack, [&](pbf_writer& body) {
      body.add_uint64(pf::track_event::name_iid, names_[kProvenance]);
      annotate(body, "tool", std::string_view("moesim"));
      annotate(body, "title", std::string_view(picture_.title));
      annotate(body, "routing_source", std::string_view(picture_.routing_source));
      annotate(body, "num_ranks", static_cast<std::int64_t>(picture_.rank_names.size()));
      annotate(body, "num_nodes", static_cast<std::int64_t>(picture_.num_nodes));
      annotate(body, "end_ns", picture_.end_ns);
    });
  }

  void write_span(std::size_t index) {
    const Span& span = picture_.spans[index];
    const std::uint64_t where = stream_track(span.rank, span.stream);
    event(span.start_ns, pf::event_type::slice_begin, where, [&](pbf_writer& body) {
      body.add_uint64(pf::track_event::category_iids, categories_[name_of(span.label.phase)]);
      body.add_uint64(pf::track_event::name_iid, names_[to_text(span.label)]);
      annotate_span(body, span);
      for (const std::uint64_t id : arrows_from_[index]) {
        body.add_fixed64(pf::track_event::flow_ids, id);
      }
      for (const std::uint64_t id : arrows_to_[index]) {
        body.add_fixed64(pf::track_event::terminating_flow_ids, id);
      }
    });
    event(span.end_ns, pf::event_type::slice_end, where, [](pbf_writer&) {});
  }

  void annotate_span(pbf_writer& body, const Span& span) {
    annotate(body, "layer", std::int64_t{span.label.layer});
    annotate(body, "micro_batch", std::int64_t{span.label.micro_batch});
    annotate(body, "backward", span.label.backward);
    if (span.stream != Stream::comm) return;
    annotate(body, "sent_bytes", span.sent_bytes);
    annotate(body, "received_bytes", span.received_bytes);
  }

  void write_counter(std::size_t counter) {
    for (const RateSample& sample : picture_.counters[counter].samples) {
      event(sample.time_ns, pf::event_type::counter, counter_track(counter), [&](pbf_writer& body) {
        body.add_double(pf::track_event::double_counter_value, sample.gigabytes_per_second);
      });
    }
  }

  void annotate(pbf_writer& body, std::string_view name, std::int64_t value) {
    pbf_writer annotation = start_annotation(body, name);
    annotation.add_int64(pf::debug_annotation::int_value, value);
  }
  void annotate(pbf_writer& body, std::string_view name, bool value) {
    pbf_writer annotation = start_annotation(body, name);
    annotation.add_bool(pf::debug_annotation::bool_value, value);
  }
  void annotate(pbf_writer& body, std::string_view name, std::string_view value) {
    pbf_writer annotation = start_annotation(body, name);
    annotation.add_string(pf::debug_annotation::string_value, value.data(), value.size());
  }
  pbf_writer start_annotation(pbf_writer& body, std::string_view name) {
    pbf_writer annotation(body, pf::track_event::debug_annotations);
    annotation.add_uint64(pf::debug_annotation::name_iid, annotations_[name]);
    return annotation;
  }

  const TracePicture& picture_;
  int links_process_;
  std::vector<std::vector<std::uint64_t>> arrows_from_;  // [span] identities of arrows
  std::vector<std::vector<std::uint64_t>> arrows_to_;
  Interned categories_;
  Interned names_;
  Interned annotations_;
  std::string bytes_;
};

}  // namespace

std::string render_perfetto_trace(const TracePicture& picture) { return Writer(picture).render(); }

}  // namespace moesim::sim
