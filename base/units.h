// SPDX-License-Identifier: Apache-2.0
// Physical quantities as small types that allow only meaningful arithmetic, in SI units.
// Inputs carry their unit ("450 GB/s", "2 us", "80 GiB", "989 TFLOP/s"); outputs are plain numbers.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

namespace moesim::base {

template <class Tag>
struct Quantity {
  double value = 0;

  constexpr Quantity() = default;
  constexpr explicit Quantity(double v) : value(v) {}
  constexpr auto operator<=>(const Quantity&) const = default;

  constexpr Quantity& operator+=(Quantity other) { return value += other.value, *this; }
  constexpr Quantity& operator-=(Quantity other) { return value -= other.value, *this; }
  friend constexpr Quantity operator+(Quantity a, Quantity b) {
    return Quantity(a.value + b.value);
  }
  friend constexpr Quantity operator-(Quantity a, Quantity b) {
    return Quantity(a.value - b.value);
  }
  friend constexpr Quantity operator*(Quantity a, double s) { return Quantity(a.value * s); }
  friend constexpr Quantity operator*(double s, Quantity a) { return Quantity(s * a.value); }
  friend constexpr Quantity operator/(Quantity a, double s) { return Quantity(a.value / s); }
  friend constexpr double operator/(Quantity a, Quantity b) { return a.value / b.value; }
};

using Seconds = Quantity<struct SecondsTag>;
using Bytes = Quantity<struct BytesTag>;
using BytesPerSecond = Quantity<struct BytesPerSecondTag>;
using Flops = Quantity<struct FlopsTag>;
using FlopsPerSecond = Quantity<struct FlopsPerSecondTag>;

constexpr Seconds operator/(Bytes b, BytesPerSecond r) { return Seconds(b.value / r.value); }
constexpr Seconds operator/(Flops f, FlopsPerSecond r) { return Seconds(f.value / r.value); }
constexpr BytesPerSecond operator/(Bytes b, Seconds s) { return BytesPerSecond(b.value / s.value); }
constexpr FlopsPerSecond operator/(Flops f, Seconds s) { return FlopsPerSecond(f.value / s.value); }
constexpr Bytes operator*(BytesPerSecond r, Seconds s) { return Bytes(r.value * s.value); }
constexpr Flops operator*(FlopsPerSecond r, Seconds s) { return Flops(r.value * s.value); }

// Each parser takes "<number> <unit>" (the space is optional): a finite number from 0 up, exactly
// rounded. Throws Error with where = "", the accepted units in the hint, and a word on bits when
// `b` is written where `B` is meant. Accepted: ns us ms s min h; B and kB..PB (powers of 1000),
// KiB..PiB (powers of 1024); the same with "/s" (also kb/s..Pb/s and kbit/s..Pbit/s: eight bits to
// the byte); FLOP/s and kFLOP/s..EFLOP/s, also written kFLOPS..EFLOPS.
Seconds parse_seconds(std::string_view text);
Bytes parse_bytes(std::string_view text);
BytesPerSecond parse_bytes_per_second(std::string_view text);
FlopsPerSecond parse_flops_per_second(std::string_view text);

// The units that the parser of the argument's type accepts, in the order of its hints.
std::vector<std::string> accepted_units(Seconds);
std::vector<std::string> accepted_units(Bytes);
std::vector<std::string> accepted_units(BytesPerSecond);
std::vector<std::string> accepted_units(FlopsPerSecond);

// The shortest text that the parser reads back to the same value, in a unit that leaves the number
// at or above 1 where there is one: "450 GB/s", "2 us", "80 GiB".
std::string to_text(Seconds);
std::string to_text(Bytes);
std::string to_text(BytesPerSecond);
std::string to_text(FlopsPerSecond);

// The same of the value rounded to four significant digits, for messages: "1235 us".
std::string to_short_text(Seconds);

}  // namespace moesim::base
