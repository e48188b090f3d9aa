// SPDX-License-Identifier: Apache-2.0
// Times the model's forward pass and training step and prints one JSON object, as
// torch_train_bench.py does.
//   moesim_train_bench start MODEL_JSON SEQUENCES FILE     writes weights and bytes for both
//   moesim_train_bench forward|train MODEL_JSON FILE THREADS SECONDS
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/error.h"
#include "base/json_reader.h"
#include "base/json_value.h"
#include "base/rng.h"
#include "base/thread_pool.h"
#include "model/checkpoint/safetensors.h"
#include "model/cpu/cpu_backend.h"
#include "model/layers/moe_gpt.h"
#include "model/train/optimizer.h"

namespace moesim::model {
namespace {

constexpr int kWarmUp = 2;
constexpr int kLeastRepeats = 3;

MoeGptConfig read_config(const std::filesystem::path& path) {
  MoeGptConfig config;
  base::ReadReport report;
  base::read_json(base::read_json_file(path), config, report);
  validate(config, "");
  return config;
}

std::vector<std::uint8_t> random_bytes(std::int64_t count, base::Rng& rng) {
  std::vector<std::uint8_t> bytes(count);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(rng.below(kByteValues));
  return bytes;
}

void write_start(const std::filesystem::path& model, int sequences,
                 const std::filesystem::path& file) {
  const MoeGptConfig config = read_config(model);
  base::Rng rng(1, "train bench");
  MoeGptWeights<float> weights = random_moe_gpt<float>(config, rng);
  std::vector<Tensor> tensors;
  for (const Parameter<float>& parameter : parameters(weights)) {
    const Matrix<float>& matrix = *parameter.matrix;
    const std::span<const float> values(matrix.data(), matrix.size());
    tensors.push_back(tensor_of(parameter.name, {matrix.rows(), matrix.cols()}, values));
  }
  const std::int64_t tokens = std::int64_t{sequences} * config.seq_length;
  for (const char* name : {"inputs", "targets"}) {
    const std::vector<std::uint8_t> bytes = random_bytes(tokens, rng);
    tensors.push_back(tensor_of(name, {tokens}, std::span<const std::uint8_t>(bytes)));
  }
  write_safetensors(file, tensors);
}

// A start file's contents, read tensor by tensor so that none is held twice.
struct Start {
  MoeGptWeights<float> weights;
  std::vector<std::uint8_t> inputs;
  std::vector<std::uint8_t> targets;
};

Tensor read_named(const SafetensorsIndex& index, const std::string& name) {
  const TensorEntry* const entry = index.find(name);
  if (entry == nullptr) {
    throw base::Error(index.path.string(), "there is no tensor " + name,
                      "write the file for this model");
  }
  return read_tensor(index, *entry);
}

Start read_start(const MoeGptConfig& config, const std::filesystem::path& file) {
  const SafetensorsIndex index = read_safetensors_index(file);
  base::Rng rng(1, "train bench");
  Start start;
  start.weights = random_moe_gpt<float>(config, rng);
  for (const Parameter<float>& parameter : parameters(start.weights)) {
    const std::vector<float> values = to_floats(read_named(index, parameter.name));
    Matrix<float>& matrix = *parameter.matrix;
    CHECK(static_cast<Index>(values.size()) == matrix.size(), "the start is of this model");
    std::copy(values.begin(), values.end(), matrix.data());
  }
  start.inputs = read_named(index, "inputs").bytes;
  start.targets = read_named(index, "targets").bytes;
  return start;
}

// Most memory that was resident so far.
double peak_rss_bytes() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word && word != "VmHWM:") {
  }
  double kilobytes = 0;
  status >> kilobytes;
  return kilobytes * 1024;
}

struct Measured {
  std::vector<double> losses;   // of the warm-up
  std::vector<double> seconds;  // of each step after it
  double cpu_seconds = 0;       // the same of all threads, mean
};

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

Measured measure(const std::function<double()>& step, double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  Measured measured;
  for (int i = 0; i < kWarmUp; ++i) measured.losses.push_back(step());
  const Clock::time_point begin = Clock::now();
  const double begin_cpu = cpu_seconds();
  while (static_cast<int>(measured.seconds.size()) < kLeastRepeats || since(begin) < seconds) {
    const Clock::time_point start = Clock::now();
    step();
    measured.seconds.push_back(since(start));
  }
  measured.cpu_seconds = (cpu_seconds() - begin_cpu) / static_cast<double>(measured.seconds.size());
  return measured;
}

// Cross entropy of the last logits, in double.
double cross_entropy_of(const Matrix<float>& logits, const std::vector<std::uint8_t>& targets) {
  double sum = 0;
  for (Index t = 0; t < logits.rows(); ++t) {
    const auto row = logits.row(t).cast<double>().array().eval();
    const double largest = row.maxCoeff();
    sum += largest + std::log((row - largest).exp().sum()) - row(targets[t]);
  }
  return sum / static_cast<double>(logits.rows());
}

Measured measure_forward(const MoeGptConfig& config, const Start& start, const Pass<float>& pass,
                         double seconds) {
  ForwardCache<float> cache;
  const auto forward = [&] {
    moe_gpt_logits(start.weights, config, pass, start.inputs, cache);
    return 0.0;
  };
  Measured measured = measure(forward, seconds);
  measured.losses.assign(kWarmUp, cross_entropy_of(cache.logits, start.targets));
  return measured;
}

TrainingConfig adamw() {
  TrainingConfig training;
  training.learning_rate = 3e-4;
  training.beta1 = 0.9;
  training.beta2 = 0.95;
  training.epsilon = 1e-8;
  training.weight_decay = 0.1;
  return training;
}

Measured measure_train(const MoeGptConfig& config, Start& start, const Pass<float>& pass,
                       double seconds) {
  const TrainingConfig training = adamw();
  const auto weights = parameters(start.weights);
  MoeGptWeights<float> gradient = zero_gradient(start.weights);
  const auto gradients = parameters(gradient);
  OptimizerState state = fresh_optimizer(training, weights);
  const auto runs = plan_learning_runs(training, weights, config.expert_sizes());
  const TokenBatch batch{start.inputs, start.targets};
  const MoeGptBackward<float> backward{start.weights, config, pass, batch};
  const OptimizerStep optimizer{training, runs, training.learning_rate};
  MoeGptCache<float> cache;
  const auto train = [&] {
    const MoeGptLoss loss = moe_gpt_loss(start.weights, config, pass, batch, cache);
    backward.run(cache, gradient);
    optimizer.run(gradients, weights, state, pass.threads);
    return loss.cross_entropy + loss.balance;
  };
  return measure(train, seconds);
}

base::JsonValue numbers(const std::vector<double>& values) {
  base::JsonValue array = base::json_array();
  for (const double value : values) array.items.push_back(base::json_of(value));
  return array;
}

struct Arguments {
  std::string mode;
  std::filesystem::path model;
  std::filesystem::path start;
  int threads = 1;
  double seconds = 1;
};

base::JsonValue run(const Arguments& arguments) {
  const MoeGptConfig config = read_config(arguments.model);
  Start start = read_start(config, arguments.start);
  base::ThreadPool threads(arguments.threads);
  const auto backend = make_cpu_backend<float>(threads);
  const bool trains = arguments.mode == "train";
  const Pass<float> pass{*backend, threads, trains};
  const Measured measured = trains ? measure_train(config, start, pass, arguments.seconds)
                                   : measure_forward(config, start, pass, arguments.seconds);
  base::JsonValue answer = base::json_object();
  add_member(answer, "mode", base::json_of(arguments.mode));
  add_member(answer, "threads", base::json_of(threads.size()));
  add_member(answer, "tokens", base::json_of(static_cast<int>(start.inputs.size())));
  add_member(answer, "losses", numbers(measured.losses));
  add_member(answer, "seconds", numbers(measured.seconds));
  add_member(answer, "cpu_seconds", base::json_of(measured.cpu_seconds));
  add_member(answer, "peak_rss_bytes", base::json_of(peak_rss_bytes()));
  return answer;
}

int main_of(const std::vector<std::string>& words) {
  if (words.size() == 4 && words[0] == "start") {
    write_start(words[1], std::stoi(words[2]), words[3]);
    return 0;
  }
  if (words.size() == 5 && (words[0] == "forward" || words[0] == "train")) {
    const Arguments arguments{words[0], words[1], words[2], std::stoi(words[3]),
                              std::stod(words[4])};
    std::puts(base::to_text(run(arguments), base::JsonStyle::compact).c_str());
    return 0;
  }
  std::fputs(
      "usage: moesim_train_bench start MODEL_JSON SEQUENCES FILE\n"
      "       moesim_train_bench forward|train MODEL_JSON FILE THREADS SECONDS\n",
      stderr);
  return 2;
}

}  // namespace
}  // namespace moesim::model

int main(int count, char** arguments) {
  try {
    return moesim::model::main_of({arguments + 1, arguments + count});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "moesim_train_bench: %s\n", error.what());
    return 1;
  }
}
