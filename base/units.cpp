// SPDX-License-Identifier: Apache-2.0
#include "base/units.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/error.h"

namespace moesim::base {
namespace {

// value in SI = number * 10^exponent * factor. The power of ten is moved in the decimal text, so
// that "0.1 us" and 1e-7 are the same double; the factors are powers of two, or 60 and 3600.
struct Unit {
  std::string name;
  int exponent = 0;
  double factor = 1;
  bool written = true;  // to_text may choose it
};

// The units of one quantity, and how its messages speak of it.
struct UnitTable {
  std::string quantity;  // "a size"
  std::string sample;    // "80 GiB"
  std::vector<Unit> units;
};

void add_decimal(std::vector<Unit>& units, const std::string& prefixes, const std::string& suffix,
                 double factor, bool written) {
  for (std::size_t i = 0; i < prefixes.size(); ++i) {
    const int exponent = 3 * (static_cast<int>(i) + 1);
    units.push_back({prefixes[i] + suffix, exponent, factor, written});
  }
}

void add_binary(std::vector<Unit>& units, const std::string& suffix) {
  double factor = 1;
  for (const char prefix : std::string("KMGTP")) {
    factor *= 1024;
    units.push_back({prefix + ("i" + suffix), 0, factor, true});
  }
}

const UnitTable& seconds_table() {
  static const UnitTable table = {"a time",
                                  "2 us",
                                  {{"ns", -9, 1, true},
                                   {"us", -6, 1, true},
                                   {"ms", -3, 1, true},
                                   {"s", 0, 1, true},
                                   {"min", 0, 60, true},
                                   {"h", 0, 3600, true}}};
  return table;
}

const UnitTable& bytes_table() {
  static const UnitTable table = [] {
    UnitTable result{"a size", "80 GiB", {{"B", 0, 1, true}}};
    add_decimal(result.units, "kMGTP", "B", 1, true);
    add_binary(result.units, "B");
    return result;
  }();
  return table;
}

const UnitTable& byte_rate_table() {
  static const UnitTable table = [] {
    UnitTable result{"a bandwidth", "450 GB/s", {{"B/s", 0, 1, true}}};
    add_decimal(result.units, "kMGTP", "B/s", 1, true);
    add_binary(result.units, "B/s");
    add_decimal(result.units, "kMGTP", "b/s", 0.125, false);
    add_decimal(result.units, "kMGTP", "bit/s", 0.125, false);
    return result;
  }();
  return table;
}

const UnitTable& flop_rate_table() {
  static const UnitTable table = [] {
    UnitTable result{"a compute rate", "989 TFLOP/s", {{"FLOP/s", 0, 1, true}}};
    add_decimal(result.units, "kMGTPE", "FLOP/s", 1, true);
    add_decimal(result.units, "kMGTPE", "FLOPS", 1, false);
    return result;
  }();
  return table;
}

std::vector<std::string> names_in(const UnitTable& table) {
  std::vector<std::string> names;
  for (const Unit& unit : table.units) names.push_back(unit.name);
  return names;
}

std::string accepted_in(const UnitTable& table) {
  std::string text = "accepted: ";
  for (const Unit& unit : table.units) text += (&unit == &table.units[0] ? "" : ", ") + unit.name;
  return text;
}

std::string quoted(std::string_view text) {
  return "\"" + std::string(text.size() <= 40 ? text : text.substr(0, 37)) +
         (text.size() <= 40 ? "\"" : "...\"");
}

std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

// A unit name whose letters are right and whose case is not, or one letter for another ("80 Gb").
std::string unit_hint(const UnitTable& table, std::string_view number, std::string_view unit) {
  std::string candidates;
  for (const Unit& known : table.units) {
    const bool near = lower_case(known.name) == lower_case(unit) ||
                      lower_case(known.name) == lower_case(unit) + "/s";
    if (!near) continue;
    candidates += (candidates.empty() ? "did you mean \"" : " or \"") + std::string(number) + " " +
                  known.name + "\"";
  }
  return candidates.empty() ? accepted_in(table) : candidates + "? " + accepted_in(table);
}

[[noreturn]] void fail_unit(const UnitTable& table, std::string_view text, std::string_view number,
                            std::string_view unit) {
  const std::string lower = lower_case(unit);
  const bool is_size = table.units.front().name == "B";
  const bool speaks_of_bits =
      lower.find("bit") != std::string::npos || unit.find('b') != std::string::npos;
  if (is_size && speaks_of_bits && lower.find("/s") == std::string::npos) {
    throw Error("", quoted(text) + ": b is bits, and " + table.quantity + " is in bytes (B)",
                unit_hint(table, number, unit));
  }
  if (table.quantity == "a bandwidth" && unit.find('b') != std::string::npos) {
    throw Error("", quoted(text) + ": b is bits and B is bytes, and the unit is neither's",
                unit_hint(table, number, unit));
  }
  throw Error("", quoted(text) + ": " + quoted(unit) + " is not a unit of " + table.quantity,
              unit_hint(table, number, unit));
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The length of the decimal number at the text's start: 12, 1.5, .5, 2., 3e-6; 0 when none.
std::size_t number_length(std::string_view text) {
  std::size_t end = 0;
  bool has_digit = false;
  bool has_point = false;
  for (; end < text.size() && (is_digit(text[end]) || (text[end] == '.' && !has_point)); ++end) {
    has_digit = has_digit || is_digit(text[end]);
    has_point = has_point || text[end] == '.';
  }
  if (!has_digit) return 0;
  std::size_t exponent = end;
  if (exponent < text.size() && (text[exponent] == 'e' || text[exponent] == 'E')) {
    ++exponent;
    if (exponent < text.size() && (text[exponent] == '-' || text[exponent] == '+')) ++exponent;
    const std::size_t digits = exponent;
    while (exponent < text.size() && is_digit(text[exponent])) ++exponent;
    if (exponent > digits) end = exponent;
  }
  return end;
}

// number * 10^shift, correctly rounded; nothing when no double holds it.
std::optional<double> shifted_number(std::string_view number, int shift) {
  const std::size_t mark = std::min(number.find_first_of("eE"), number.size());
  int exponent = 0;
  if (mark < number.size()) {
    const char* first = number.data() + mark + 1;
    if (*first == '+') ++first;
    const auto parsed = std::from_chars(first, number.data() + number.size(), exponent);
    // Beyond this no text of sane length has a double; int cannot overflow in the sum below.
    if (parsed.ec != std::errc{} || std::abs(exponent) > 1'000'000) return std::nullopt;
  }
  const std::string decimal =
      std::string(number.substr(0, mark)) + "e" + std::to_string(exponent + shift);
  double value = 0;
  const auto parsed = std::from_chars(decimal.data(), decimal.data() + decimal.size(), value);
  if (parsed.ec != std::errc{} || parsed.ptr != decimal.data() + decimal.size()) {
    return std::nullopt;
  }
  return value;
}

std::optional<double> value_in(const Unit& unit, std::string_view number) {
  const std::optional<double> value = shifted_number(number, unit.exponent);
  if (!value.has_value() || !std::isfinite(*value * unit.factor)) return std::nullopt;
  return *value * unit.factor;
}

double parse(const UnitTable& table, std::string_view text) {
  const std::string example = "write \"" + table.sample + "\"; " + accepted_in(table);
  if (text.empty()) throw Error("", "expected " + table.quantity + ", found \"\"", example);
  const std::size_t length = number_length(text);
  if (length == 0) {
    const bool negative = text.front() == '-' && number_length(text.substr(1)) > 0;
    throw Error("",
                quoted(text) + (negative ? ": " + table.quantity + " cannot be negative"
                                         : " does not begin with a number"),
                example);
  }
  const std::string_view number = text.substr(0, length);
  std::string_view unit = text.substr(length);
  unit.remove_prefix(std::min(unit.find_first_not_of(' '), unit.size()));
  if (unit.empty()) throw Error("", quoted(text) + " has no unit", example);
  const auto known = std::find_if(table.units.begin(), table.units.end(),
                                  [&](const Unit& candidate) { return candidate.name == unit; });
  if (known == table.units.end()) fail_unit(table, text, number, unit);
  const std::optional<double> value = value_in(*known, number);
  if (!value.has_value()) {
    throw Error("", quoted(text) + ": the number is outside what a double holds", example);
  }
  return *value;
}

// "digits" * 10^exponent of the leading digit, as 450, 1.5, 0.002 or, where zeros abound, 1e-30.
std::string place_point(const std::string& digits, int exponent) {
  const int count = static_cast<int>(digits.size());
  if (exponent > 20 || exponent < -6) {
    std::string text(1, digits[0]);
    if (count > 1) text.append(".").append(digits, 1);
    return text.append("e").append(std::to_string(exponent));
  }
  if (exponent < 0) return "0." + std::string(-exponent - 1, '0') + digits;
  if (exponent + 1 >= count) return digits + std::string(exponent + 1 - count, '0');
  return digits.substr(0, exponent + 1) + "." + digits.substr(exponent + 1);
}

// The shortest digits of `value` / 10^shift.
std::string shortest_number(double value, int shift) {
  char buffer[32];
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  const std::string_view text(buffer, end.ptr - buffer);
  const std::size_t mark = text.find('e');
  std::string digits(text.substr(0, mark));
  std::erase(digits, '.');
  const int exponent = std::stoi(std::string(text.substr(mark + 1)));
  return place_point(digits, exponent - shift);
}

std::string write(const UnitTable& table, double value) {
  const Unit& base_unit = *std::find_if(table.units.begin(), table.units.end(), [](const Unit& u) {
    return u.exponent == 0 && u.factor == 1;
  });
  if (value == 0) return "0 " + base_unit.name;
  // Not readable back, but messages may hold them.
  if (!std::isfinite(value)) return std::to_string(value) + " " + base_unit.name;
  if (value < 0) return std::string("-").append(write(table, -value));
  std::string best = shortest_number(value, table.units[0].exponent) + " " + table.units[0].name;
  for (const Unit& unit : table.units) {
    const double scale = std::pow(10.0, unit.exponent) * unit.factor;
    if (!unit.written || value < scale) continue;
    const std::string number = shortest_number(value / unit.factor, unit.exponent);
    const std::string text = number + " " + unit.name;
    if (text.size() <= best.size() && value_in(unit, number) == value) best = text;
  }
  return best;
}

double rounded_to_four_digits(double value) {
  if (!std::isfinite(value)) return value;
  char buffer[32];
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific, 3);
  double rounded = 0;
  std::from_chars(buffer, end.ptr, rounded);
  return rounded;
}

}  // namespace

Seconds parse_seconds(std::string_view text) { return Seconds(parse(seconds_table(), text)); }
Bytes parse_bytes(std::string_view text) { return Bytes(parse(bytes_table(), text)); }
BytesPerSecond parse_bytes_per_second(std::string_view text) {
  return BytesPerSecond(parse(byte_rate_table(), text));
}
FlopsPerSecond parse_flops_per_second(std::string_view text) {
  return FlopsPerSecond(parse(flop_rate_table(), text));
}

std::vector<std::string> accepted_units(Seconds) { return names_in(seconds_table()); }
std::vector<std::string> accepted_units(Bytes) { return names_in(bytes_table()); }
std::vector<std::string> accepted_units(BytesPerSecond) { return names_in(byte_rate_table()); }
std::vector<std::string> accepted_units(FlopsPerSecond) { return names_in(flop_rate_table()); }

std::string to_text(Seconds value) { return write(seconds_table(), value.value); }
std::string to_text(Bytes value) { return write(bytes_table(), value.value); }
std::string to_text(BytesPerSecond value) { return write(byte_rate_table(), value.value); }
std::string to_text(FlopsPerSecond value) { return write(flop_rate_table(), value.value); }

std::string to_short_text(Seconds value) {
  return write(seconds_table(), rounded_to_four_digits(value.value));
}

}  // namespace moesim::base
