// SPDX-License-Identifier: Apache-2.0
// The table that a struct's describe() fills: one Field per key.
#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "base/field_codec.h"

namespace moesim::base {

// One key of one struct. Bounds are in SI units for quantities and apply to each element of lists
// and maps. The members below the setters are for the reader and the writers of schema and docs.
class Field {
 public:
  Field(std::string name, void* object, CodecPtr codec, std::string docs);

  Field& alias(std::string name);  // accepted in input, never written
  Field& required();               // no default: absent is an error (unless unused)
  Field& above(double bound);      // exclusive lower bound
  Field& at_least(double bound);
  Field& at_most(double bound);
  // Setting the field where it has no effect is an error. It is a warning where some value of the
  // document came from a flag or a sweep, or the key came from a preset, since then the file that
  // is read may be right on its own. Evaluated on the values read: describe() runs again after
  // reading. `condition` completes the sentence "it is only used when ...".
  Field& used_when(bool used, std::string condition);

  const std::string& name() const { return name_; }
  const std::vector<std::string>& aliases() const { return aliases_; }
  const std::string& docs() const { return docs_; }
  const std::string& condition() const { return condition_; }
  const Bounds& bounds() const { return bounds_; }
  const Codec& codec() const { return *codec_; }
  bool is_required() const { return required_; }
  bool is_used() const { return used_; }
  void* object() const { return object_; }

 private:
  std::string name_;
  void* object_;
  CodecPtr codec_;
  std::string docs_;
  std::vector<std::string> aliases_;
  Bounds bounds_;
  bool required_ = false;
  bool used_ = true;
  std::string condition_;
};

class FieldTable {
 public:
  // The struct's name in schema and reference page, unique among structs, and what it describes.
  // Without a title the name is the C++ type's in snake_case.
  void title(std::string name, std::string docs);

  // Names, in order, the keys of the struct. The reference returned stays valid.
  template <class T>
  Field& field(std::string name, T& value, std::string docs) {
    return add(Field(std::move(name), &value, codec_of(Type<T>{}), std::move(docs)));
  }

  const std::string& name() const { return name_; }
  const std::string& docs() const { return docs_; }
  const std::deque<Field>& fields() const { return fields_; }

 private:
  Field& add(Field field);

  std::string name_;
  std::string docs_;
  std::deque<Field> fields_;  // a deque: adding moves none
};

}  // namespace moesim::base
