// SPDX-License-Identifier: Apache-2.0
// Writes what the model computes in the cases of a file, in float and in double: weights, bytes,
// draws, decisions, logits, losses and gradients, for a reference to be held against.
//   dump_cases CASES_JSON FOLDER
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json_reader.h"
#include "base/json_value.h"
#include "base/rng.h"
#include "base/thread_pool.h"
#include "model/checkpoint/safetensors.h"
#include "model/cpu/cpu_backend.h"
#include "model/layers/moe_gpt.h"

namespace moesim::model {
namespace {

constexpr int kThreads = 2;
constexpr std::uint64_t kSeed = 7;
constexpr double kPerturbation = 0.1;

struct OracleCase {
  std::string name;
  bool training = true;
  std::string base = "moe";
  base::JsonValue model = base::json_object();  // merged into the base
};

struct OracleCases {
  std::map<std::string, base::JsonValue> bases;
  int tokens = 60;  // the last sequence is shorter than the others
  std::vector<OracleCase> cases;
};

void describe(base::FieldTable& table, OracleCase& oracle_case) {
  table.field("name", oracle_case.name, "Names the case's files.");
  table.field("training", oracle_case.training, "Whether the pass draws noise and jitter.");
  table.field("base", oracle_case.base, "The model that the case begins with.");
  table.field("model", oracle_case.model, "What the case changes in the base.");
}

void describe(base::FieldTable& table, OracleCases& cases) {
  table.field("bases", cases.bases, "Models that cases have in common.");
  table.field("tokens", cases.tokens, "Bytes of a pass.");
  table.field("cases", cases.cases, "Each is written once in float and once in double.");
}

template <class T>
T read_as(const base::JsonValue& value) {
  T object;
  base::ReadReport report;
  base::read_json(value, object, report);
  return object;
}

MoeGptConfig config_of(const OracleCases& cases, const OracleCase& oracle_case) {
  const auto found = cases.bases.find(oracle_case.base);
  if (found == cases.bases.end()) {
    throw base::Error("case " + oracle_case.name, "there is no base " + oracle_case.base,
                      "name one of bases");
  }
  base::JsonValue merged = found->second;
  base::merge_json(merged, oracle_case.model);
  const auto config = read_as<MoeGptConfig>(merged);
  validate(config, "");
  return config;
}

std::vector<std::uint8_t> random_bytes(int count, base::Rng& rng) {
  std::vector<std::uint8_t> bytes(count);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(rng.below(kByteValues));
  return bytes;
}

template <class S>
Tensor tensor_of_matrix(std::string name, const Matrix<S>& matrix) {
  const std::span<const S> values(matrix.data(), matrix.size());
  return tensor_of(std::move(name), {matrix.rows(), matrix.cols()}, values);
}

template <class S>
class CaseDump {
 public:
  CaseDump(const MoeGptConfig& config, bool training, int tokens)
      : config_(config),
        threads_(kThreads),
        backend_(make_cpu_backend<S>(threads_)),
        pass_{*backend_, threads_, training, kSeed} {
    base::Rng rng(kSeed, "oracle");
    inputs_ = random_bytes(tokens, rng);
    targets_ = random_bytes(tokens, rng);
    weights_ = random_moe_gpt<S>(config, rng);
    perturb(rng);
  }

  std::vector<Tensor> run() {
    add_parameters("weight/", weights_, true);
    add_bytes("inputs", inputs_);
    add_bytes("targets", targets_);
    tensors_.push_back(
        tensor_of_matrix("logits", moe_gpt_logits(weights_, config_, pass_, inputs_)));
    const TokenBatch batch{inputs_, targets_};
    MoeGptCache<S> cache;
    const MoeGptLoss loss = moe_gpt_loss(weights_, config_, pass_, batch, cache);
    add_number("loss/cross_entropy", loss.cross_entropy);
    for (int layer = 0; layer < config_.num_hidden_layers; ++layer) {
      if (config_.is_moe_layer(layer)) add_layer(layer, cache.blocks[layer].moe.router);
    }
    MoeGptWeights<S> gradient = zero_gradient(weights_);
    const MoeGptBackward<S> backward{weights_, config_, pass_, batch};
    backward.run(cache, gradient);
    add_parameters("gradient/", gradient, false);
    return std::move(tensors_);
  }

 private:
  // Random weights have zero biases, noise gates and selection biases and gains of one; these move
  // as well, so that a mistake with them shows.
  void perturb(base::Rng& rng) {
    for (const Parameter<S>& parameter : parameters(weights_)) {
      for (Index i = 0; i < parameter.matrix->size(); ++i) {
        parameter.matrix->data()[i] += static_cast<S>(kPerturbation * (2 * rng.uniform() - 1));
      }
    }
  }

  void add_parameters(const std::string& prefix, MoeGptWeights<S>& values, bool untrained_too) {
    for (const Parameter<S>& parameter : parameters(values)) {
      if (!parameter.trained && !untrained_too) continue;
      tensors_.push_back(tensor_of_matrix(prefix + parameter.name, *parameter.matrix));
    }
  }

  void add_bytes(const std::string& name, const std::vector<std::uint8_t>& bytes) {
    const auto count = static_cast<std::int64_t>(bytes.size());
    tensors_.push_back(tensor_of(name, {count}, std::span<const std::uint8_t>(bytes)));
  }

  void add_number(const std::string& name, double value) {
    tensors_.push_back(tensor_of(name, {1}, std::span<const double>(&value, 1)));
  }

  void add_layer(int layer, const RouterCache<S>& router) {
    const std::string prefix = "layer." + std::to_string(layer) + ".";
    const RoutingBatch& batch = router.batch;
    const std::vector<std::int64_t> shape = {batch.tokens, batch.top_k};
    std::vector<std::uint8_t> kept(batch.experts.size());
    for (std::size_t pair = 0; pair < kept.size(); ++pair) kept[pair] = batch.is_kept(pair) ? 1 : 0;
    tensors_.push_back(
        tensor_of(prefix + "chosen", shape, std::span<const std::int32_t>(router.choices())));
    tensors_.push_back(
        tensor_of(prefix + "experts", shape, std::span<const std::int32_t>(batch.experts)));
    tensors_.push_back(tensor_of(prefix + "kept", shape, std::span<const std::uint8_t>(kept)));
    tensors_.push_back(tensor_of_matrix(prefix + "weights", router.weights));
    for (const BalanceTerm& term : router.losses) add_number(prefix + term.name, term.value);
    add_draws(layer, prefix);
  }

  // What the router drew: PyTorch cannot draw the same.
  void add_draws(int layer, const std::string& prefix) {
    if (!pass_.training) return;
    const TokenContext context{inputs_, config_.seq_length, layer};
    const auto tokens = static_cast<Index>(inputs_.size());
    if (config_.router.type == RouterType::noisy_top_k) {
      const base::RandomField field(pass_.seed, draws_of(context, "gate noise"));
      Matrix<S> noise(tokens, config_.router.num_experts);
      for (Index i = 0; i < noise.size(); ++i) noise.data()[i] = static_cast<S>(field.normal(i));
      tensors_.push_back(tensor_of_matrix(prefix + "noise", noise));
    }
    if (const double reach = config_.router.input_jitter; reach > 0) {
      const base::RandomField field(pass_.seed, draws_of(context, "gate jitter"));
      Matrix<S> jitter(tokens, config_.hidden_size);
      for (Index i = 0; i < jitter.size(); ++i) {
        jitter.data()[i] = static_cast<S>(1 + reach * (2 * field.uniform(i) - 1));
      }
      tensors_.push_back(tensor_of_matrix(prefix + "jitter", jitter));
    }
  }

  const MoeGptConfig& config_;
  base::ThreadPool threads_;
  std::unique_ptr<Backend<S>> backend_;
  Pass<S> pass_;
  std::vector<std::uint8_t> inputs_;
  std::vector<std::uint8_t> targets_;
  MoeGptWeights<S> weights_;
  std::vector<Tensor> tensors_;
};

void dump(const std::filesystem::path& cases_file, const std::filesystem::path& folder) {
  const auto cases = read_as<OracleCases>(base::read_json_file(cases_file));
  for (const OracleCase& oracle_case : cases.cases) {
    const MoeGptConfig config = config_of(cases, oracle_case);
    const std::map<std::string, std::string> metadata = {
        {"name", oracle_case.name},
        {"training", oracle_case.training ? "true" : "false"},
        {"model", base::to_text(base::to_json(config), base::JsonStyle::compact)}};
    write_safetensors(folder / (oracle_case.name + ".fp32.safetensors"),
                      CaseDump<float>(config, oracle_case.training, cases.tokens).run(), metadata);
    write_safetensors(folder / (oracle_case.name + ".fp64.safetensors"),
                      CaseDump<double>(config, oracle_case.training, cases.tokens).run(), metadata);
  }
}

}  // namespace
}  // namespace moesim::model

int main(int count, char** arguments) {
  if (count != 3) {
    std::fputs("usage: dump_cases CASES_JSON FOLDER\n", stderr);
    return 2;
  }
  try {
    moesim::model::dump(arguments[1], arguments[2]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dump_cases: %s\n", error.what());
    return 1;
  }
  return 0;
}
