// SPDX-License-Identifier: Apache-2.0
#include "experiments/backend_record.h"

namespace moesim::experiments {

using base::JsonValue;
using model::cuda::kProcessorArithmetic;

void add_backends(BackendRecord& record, const BackendRecord& later) {
  for (const std::string& backend : later.backends) {
    std::erase(record.backends, backend);
    record.backends.push_back(backend);
  }
}

void add_members(JsonValue& object, const BackendRecord& record) {
  base::add_member(object, "backend", base::json_of(record.backends.back()));
  base::add_member(object, "arithmetic", base::json_of(record.arithmetic));
  if (record.backends.size() == 1) return;
  JsonValue& list = base::add_member(object, "backends", base::json_array());
  for (const std::string& backend : record.backends) list.items.push_back(base::json_of(backend));
}

BackendRecord backend_record_in(const JsonValue& object) {
  BackendRecord record;
  if (const JsonValue* arithmetic = object.find("arithmetic")) record.arithmetic = arithmetic->text;
  if (const JsonValue* list = object.find("backends"); list != nullptr && !list->items.empty()) {
    record.backends.clear();
    for (const JsonValue& backend : list->items) record.backends.push_back(backend.text);
  } else if (const JsonValue* backend = object.find("backend")) {
    record.backends = {backend->text};
  }
  return record;
}

std::string arithmetic_in_words(const std::string& arithmetic) {
  if (arithmetic == kProcessorArithmetic) return "the processor's arithmetic";
  return "the arithmetic of " + arithmetic;
}

std::string backend_flag(const std::string& arithmetic) {
  return "--backend " + (arithmetic == kProcessorArithmetic ? "cpu or cuda" : arithmetic);
}

}  // namespace moesim::experiments
