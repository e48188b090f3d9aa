// SPDX-License-Identifier: Apache-2.0
// What tells a point from all others, wherever its experiment lies: a run that is resumed skips the
// points that it has, and must never take one for another.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/json_value.h"

namespace moesim::experiments {

// True of a document's key that people read and that changes no point: "question", "objectives".
bool is_for_people(std::string_view key);

// Hashes of points of one document. Into a hash go the simulator's version, all presets that ship,
// the document without comments, layout, order of members, `name`, `question`,
// `$schema`, `objectives`, `constraints`, `outputs.report` and `sweep`, with each file that it
// names (file_names.h) replaced by the file's content; and the point's swept values likewise.
class Identity {
 public:
  explicit Identity(const base::JsonValue& document);

  // 12 hexadecimal digits: 48 bits tell 100,000 points apart. `swept` maps dotted keys to values.
  std::string of(const std::map<std::string, base::JsonValue>& swept) const;

 private:
  std::string common_;
};

}  // namespace moesim::experiments
