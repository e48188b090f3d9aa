// SPDX-License-Identifier: Apache-2.0
#include "sim/routing/trace_routing.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "base/file_bytes.h"

namespace moesim::sim {
namespace {

using model::RoutingBatch;

static_assert(std::endian::native == std::endian::little, "the file's byte order is the machine's");

constexpr std::string_view kMagic = "moesim routing trace 1\n";
constexpr int kMostExperts = 65536;

// The file's header; num_experts ... are RoutingDemand's, tokens is [micro_batch][rank].
struct Header {
  int num_moe_layers = 0;
  int num_experts = 0;
  int num_experts_per_tok = 0;
  int num_ranks = 0;
  int num_micro_batches = 0;
  int tokens_per_rank = 0;
  std::string source;
  std::vector<std::vector<int>> tokens;
};

void describe(base::FieldTable& table, Header& header) {
  table.title("routing_trace", "First line of JSON of a routing trace.");
  table.field("num_moe_layers", header.num_moe_layers, "MoE layers.").required().at_least(1);
  table.field("num_experts", header.num_experts, "Experts.").required().at_least(1);
  table.field("num_experts_per_tok", header.num_experts_per_tok, "Top-k.").required().at_least(1);
  table.field("num_ranks", header.num_ranks, "Source ranks.").required().at_least(1);
  table.field("num_micro_batches", header.num_micro_batches, "Micro-batches.")
      .required()
      .at_least(1);
  table
      .field("tokens_per_rank", header.tokens_per_rank,
             "seq_length x micro_batch_size; a source may give a rank more or fewer.")
      .required()
      .at_least(1);
  table.field("source", header.source, "The recorded run's routing source.").required();
  table.field("tokens", header.tokens, "Tokens of each [micro_batch][rank].")
      .required()
      .at_least(0);
}

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what,
                       const std::string& hint = "record it again with outputs.routing_trace") {
  throw base::Error(path.string(), what, hint);
}

class Recorded final : public RoutingSource {
 public:
  Recorded(std::vector<std::vector<RoutingBatch>> batches, int num_ranks, std::string description)
      : batches_(std::move(batches)), num_ranks_(num_ranks), description_(std::move(description)) {}

  std::vector<RoutingBatch> route(int micro_batch, int rank) const override {
    return batches_of(micro_batch, rank);
  }
  void stream_choices(int micro_batch, int rank, const ChoiceSink& sink) const override {
    int layer = 0;
    for (const RoutingBatch& batch : batches_of(micro_batch, rank)) sink(layer++, batch.experts);
  }
  std::string description() const override { return description_; }

 private:
  const std::vector<RoutingBatch>& batches_of(int micro_batch, int rank) const {
    return batches_[static_cast<std::size_t>(micro_batch) * num_ranks_ + rank];
  }

  std::vector<std::vector<RoutingBatch>> batches_;  // [micro_batch, rank][layer]
  int num_ranks_;
  std::string description_;
};

void check_sizes(const std::filesystem::path& path, const Header& header,
                 const RoutingDemand& demand) {
  const std::pair<const char*, std::pair<int, int>> sizes[] = {
      {"MoE layers", {header.num_moe_layers, demand.num_moe_layers}},
      {"experts", {header.num_experts, demand.num_experts}},
      {"experts per token", {header.num_experts_per_tok, demand.top_k}},
      {"ranks", {header.num_ranks, demand.num_ranks}},
      {"micro-batches", {header.num_micro_batches, demand.num_micro_batches}},
      {"tokens a rank", {header.tokens_per_rank, demand.tokens_per_rank}},
  };
  for (const auto& [what, values] : sizes) {
    if (values.first == values.second) continue;
    fail(path,
         "was recorded with " + std::to_string(values.first) + " " + what +
             ", this experiment has " + std::to_string(values.second),
         "replay it with the model, cluster and batch it was recorded with");
  }
  bool complete = static_cast<int>(header.tokens.size()) == header.num_micro_batches;
  for (const auto& row : header.tokens) {
    complete = complete && static_cast<int>(row.size()) == header.num_ranks;
  }
  if (!complete) fail(path, "its token table is not [micro-batches][ranks]");
}

template <class Element>
const char* take(const char* bytes, std::vector<Element>& into) {
  const std::size_t size = into.size() * sizeof(Element);
  if (size > 0) std::memcpy(into.data(), bytes, size);
  return bytes + size;
}

void check_decisions(const std::filesystem::path& path, const RoutingBatch& batch) {
  for (std::size_t first = 0; first < batch.experts.size(); first += batch.top_k) {
    for (int slot = 0; slot < batch.top_k; ++slot) {
      const std::int32_t expert = batch.experts[first + slot];
      const float weight = batch.weights[first + slot];
      if (expert >= batch.num_experts) {
        fail(path,
             "names expert " + std::to_string(expert) + " of " + std::to_string(batch.num_experts));
      }
      for (int other = 0; other < slot; ++other) {
        if (batch.experts[first + other] == expert)
          fail(path, "gives a token the same expert twice");
      }
      if (!(weight >= 0.0F) || !std::isfinite(weight))
        fail(path, "holds a weight that is no weight");
    }
  }
}

RoutingBatch read_batch(const std::filesystem::path& path, const Header& header, int tokens,
                        const char*& bytes) {
  const auto pairs = static_cast<std::size_t>(tokens) * header.num_experts_per_tok;
  std::vector<std::uint16_t> experts(pairs);
  RoutingBatch batch{tokens, header.num_experts_per_tok, header.num_experts,
                     {},     std::vector<float>(pairs),  {}};
  bytes = take(bytes, experts);
  bytes = take(bytes, batch.weights);
  batch.experts.assign(experts.begin(), experts.end());
  check_decisions(path, batch);
  return batch;
}

}  // namespace

std::unique_ptr<RoutingSource> read_routing_trace(const std::filesystem::path& path,
                                                  const RoutingDemand& demand) {
  const std::string file = base::InputFile(path, "name a recorded trace").text();
  const std::size_t header_end = file.find('\n', kMagic.size());
  if (file.compare(0, kMagic.size(), kMagic) != 0 || header_end == std::string::npos) {
    fail(path, "is not a routing trace");
  }
  Header header;
  base::ReadReport report;
  const std::string line = file.substr(kMagic.size(), header_end - kMagic.size());
  base::read_json(base::parse_json(line, path.string() + " (header)"), header, report);
  check_sizes(path, header, demand);

  double pairs = 0;
  for (const auto& row : header.tokens) {
    for (const int tokens : row) pairs += static_cast<double>(tokens) * demand.top_k;
  }
  const double expected = pairs * demand.num_moe_layers * (sizeof(std::uint16_t) + sizeof(float));
  const auto found = static_cast<double>(file.size() - header_end - 1);
  if (found != expected)
    fail(path, found < expected ? "is truncated" : "is longer than its header says");

  std::vector<std::vector<RoutingBatch>> batches;
  const char* bytes = file.data() + header_end + 1;
  for (const auto& row : header.tokens) {
    for (const int tokens : row) {
      std::vector<RoutingBatch>& layers = batches.emplace_back();
      for (int layer = 0; layer < header.num_moe_layers; ++layer) {
        layers.push_back(read_batch(path, header, tokens, bytes));
      }
    }
  }
  return std::make_unique<Recorded>(std::move(batches), header.num_ranks,
                                    "trace (recorded from " + header.source + ")");
}

std::string render_routing_trace(const RoutingSource& source, const RoutingDemand& demand) {
  if (demand.num_experts > kMostExperts) {
    throw base::Error("/outputs/routing_trace", "the format holds at most 65,536 experts");
  }
  Header header{
      demand.num_moe_layers,    demand.num_experts,     demand.top_k,         demand.num_ranks,
      demand.num_micro_batches, demand.tokens_per_rank, source.description(), {}};
  std::string body;
  for (int micro_batch = 0; micro_batch < demand.num_micro_batches; ++micro_batch) {
    std::vector<int>& tokens = header.tokens.emplace_back();
    for (int rank = 0; rank < demand.num_ranks; ++rank) {
      const std::vector<RoutingBatch> layers = source.route(micro_batch, rank);
      tokens.push_back(layers.front().tokens);
      for (const RoutingBatch& batch : layers) {
        CHECK(batch.tokens == tokens.back(), "all layers see the rank's tokens");
        const std::vector<std::uint16_t> experts(batch.experts.begin(), batch.experts.end());
        body.append(reinterpret_cast<const char*>(experts.data()), experts.size() * 2);
        body.append(reinterpret_cast<const char*>(batch.weights.data()), batch.weights.size() * 4);
      }
    }
  }
  const std::string line = base::to_text(base::to_json(header), base::JsonStyle::compact);
  return std::string(kMagic) + line + "\n" + body;
}

}  // namespace moesim::sim
