// SPDX-License-Identifier: Apache-2.0
#include "base/field_table.h"

#include <algorithm>

#include "base/check.h"

namespace moesim::base {

Field::Field(std::string name, void* object, CodecPtr codec, std::string docs)
    : name_(std::move(name)), object_(object), codec_(std::move(codec)), docs_(std::move(docs)) {}

Field& Field::alias(std::string name) {
  aliases_.push_back(std::move(name));
  return *this;
}

Field& Field::required() {
  required_ = true;
  return *this;
}

Field& Field::above(double bound) {
  bounds_.above = bound;
  return *this;
}

Field& Field::at_least(double bound) {
  bounds_.at_least = bound;
  return *this;
}

Field& Field::at_most(double bound) {
  bounds_.at_most = bound;
  return *this;
}

Field& Field::used_when(bool used, std::string condition) {
  used_ = used;
  condition_ = std::move(condition);
  return *this;
}

void FieldTable::title(std::string name, std::string docs) {
  name_ = std::move(name);
  docs_ = std::move(docs);
}

Field& FieldTable::add(Field field) {
  const bool is_new = std::none_of(fields_.begin(), fields_.end(), [&](const Field& other) {
    return other.name() == field.name();
  });
  CHECK(is_new, "the field " + field.name() + " is described twice");
  return fields_.emplace_back(std::move(field));
}

}  // namespace moesim::base
