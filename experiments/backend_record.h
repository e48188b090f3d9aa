// SPDX-License-Identifier: Apache-2.0
// What computed a run, as its manifest.json or provenance.json says: where, in words, and in which
// arithmetic. Another arithmetic gives other bytes: what is of two does not go into one run.
#pragma once

#include <string>
#include <vector>

#include "base/json_value.h"
#include "model/cuda/backend_choice.h"

namespace moesim::experiments {

struct BackendRecord {
  std::string arithmetic = model::cuda::kProcessorArithmetic;  // see model::cuda::arithmetic_of
  // "cpu", "cuda (NVIDIA H200)": each once, the one that was at work last at the end; never empty.
  std::vector<std::string> backends = {"cpu"};
};

// Adds those of `later`, which is of the same arithmetic, at the end.
void add_backends(BackendRecord& record, const BackendRecord& later);

// Members "backend" (the last), "arithmetic" and, where there are several, "backends".
void add_members(base::JsonValue& object, const BackendRecord& record);

// What the members say; where one is missing, the processor, which was all that there was.
BackendRecord backend_record_in(const base::JsonValue& object);

// "the processor's arithmetic", "the arithmetic of cuda:bf16".
std::string arithmetic_in_words(const std::string& arithmetic);

// What to give for it: "--backend cpu or cuda", "--backend cuda:bf16".
std::string backend_flag(const std::string& arithmetic);

}  // namespace moesim::experiments
