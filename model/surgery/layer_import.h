// SPDX-License-Identifier: Apache-2.0
// A published model's MoE layer put in the place of one of ours.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "model/checkpoint/hf_import.h"
#include "model/layers/moe_layer.h"
#include "model/moe_gpt_config.h"

namespace moesim::model {

// The weights of a MoE layer of `config` that route and compute as `published` does; biases and
// learned gate noise that it does not have are zero, the gate of groups is that of `old`. Throws
// base::Error at `place` where sizes or parts differ. A gated shared expert counts as none.
MoeLayerWeights<float> fitted_layer(const MoeGptConfig& config, HfMoeLayer published,
                                    const MoeLayerWeights<float>& old, const std::string& place);

}  // namespace moesim::model
