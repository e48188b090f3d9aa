// SPDX-License-Identifier: Apache-2.0
// The user's errors: something in a file, a flag or the machine is not as it must be.
// One error says where, what, and the change that fixes it. Only main prints it and exits (code 2).
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace moesim::base {

class Error : public std::runtime_error {
 public:
  // `where` is "file:line:column  /json/pointer" or a flag's name; `hint` may be empty.
  Error(std::string where, std::string what, std::string hint = {});

  const std::string& where() const { return where_; }
  const std::string& message() const { return message_; }
  const std::string& hint() const { return hint_; }

 private:
  std::string where_;
  std::string message_;
  std::string hint_;
};

// The candidate nearest to `word` by edit distance as `did you mean "x"?`, or "" when none is near
// (distance above a third of the word's length, at least 2).
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace moesim::base
