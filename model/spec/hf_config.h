// SPDX-License-Identifier: Apache-2.0
// Reads a Hugging Face config.json as a model's sizes. The keys are those of the `transformers`
// library's configuration classes; keys that no size depends on are ignored, since the format is
// not ours.
#pragma once

#include <filesystem>

#include "base/json_value.h"

namespace moesim::model {

// The ModelSpec fields (an object, as a preset has them) that `config` stands for. `model_type` is
// one of mixtral, deepseek_v2, deepseek_v3, qwen2_moe, qwen3_moe, olmoe. Values keep their place in
// the config, so that a later complaint points there; `name` is the model_type, and `sources` names
// the config's key of each field.
// Throws base::Error at the config's place for another model_type, a missing key, a value that is
// no whole number, or a pattern of dense layers that first_k_dense_replace and moe_layer_freq
// cannot say.
base::JsonValue map_hf_config(const base::JsonValue& config);

// map_hf_config of a file; throws base::Error also where base::read_json_file does.
base::JsonValue read_hf_config(const std::filesystem::path& path);

}  // namespace moesim::model
