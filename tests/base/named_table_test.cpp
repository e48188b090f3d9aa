// SPDX-License-Identifier: Apache-2.0
#include "base/named_table.h"

#include <gtest/gtest.h>

#include <array>

namespace moesim::base {
namespace {

enum class Fruit { apple, pear, plum };

struct Row {
  Fruit id;
  const char* name;
  int price;
};

// Not in the enum's order, and without the plum.
constexpr std::array<Row, 2> kRows = {{{Fruit::pear, "pear", 3}, {Fruit::apple, "apple", 2}}};

EnumNames<Fruit> names_of(Fruit) { return names_in(kRows); }

TEST(NamedTable, ARowIsFoundByItsIdWhereverItStands) {
  EXPECT_EQ(row_of(kRows, Fruit::apple).price, 2);
  EXPECT_EQ(row_of(kRows, Fruit::pear).price, 3);
  EXPECT_THROW(row_of(kRows, Fruit::plum), InvariantViolation);
}

TEST(NamedTable, NamesAreTheRowsInTheirOrder) {
  EXPECT_EQ(names_of(Fruit::apple),
            (EnumNames<Fruit>{{Fruit::pear, "pear"}, {Fruit::apple, "apple"}}));
  EXPECT_EQ(name_in_words(Fruit::apple), "apple");
  EXPECT_THROW(name_in_words(Fruit::plum), InvariantViolation);
}

}  // namespace
}  // namespace moesim::base
