// SPDX-License-Identifier: Apache-2.0
// Policies in a visible table: rows with an `id` (an enum's value), a `name` and what implements
// it.
#pragma once

#include <string>

#include "base/check.h"
#include "base/field_codec.h"

namespace moesim::base {

// The names of a table's rows, in their order, for names_of().
template <class Table>
auto names_in(const Table& table) {
  EnumNames<decltype(table.begin()->id)> names;
  for (const auto& row : table) names.emplace_back(row.id, row.name);
  return names;
}

// The row of `id`, wherever it stands. Every value of the enum has one.
template <class Table, class Enum>
const auto& row_of(const Table& table, Enum id) {
  for (const auto& row : table) {
    if (row.id == id) return row;
  }
  fail_check("the enum's value is in the table", __FILE__, __LINE__, "a row is missing");
}

// The name that users write for an enum's value.
template <class Enum>
std::string name_in_words(Enum value) {
  for (const auto& [id, name] : names_of(value)) {
    if (id == value) return name;
  }
  fail_check("the enum's value has a name", __FILE__, __LINE__, "names_of() leaves it out");
}

}  // namespace moesim::base
