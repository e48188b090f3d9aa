// SPDX-License-Identifier: Apache-2.0
#include "experiments/runs/shared_desk.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "base/error.h"

namespace moesim::experiments {
namespace {

namespace fs = std::filesystem;

// First letters of messages. To rank 0:
constexpr char kAsk = 'A';     // for a point
constexpr char kRow = 'R';     // of one that ended
constexpr char kFailed = 'F';  // the row of one that failed
constexpr char kReturn = 'U';  // the point could not be begun
constexpr char kBye = 'B';
// From rank 0:
constexpr char kPoint = 'P';  // index, a space, its folder
constexpr char kOver = 'O';   // there will be none any more
constexpr char kStop = 'S';   // and what runs is to be stopped

constexpr std::chrono::milliseconds kPause(2);

}  // namespace

GivingDesk::GivingDesk(const Sweep& sweep, RunDirectory& directory, Transport& transport,
                       bool fail_fast)
    : DirectoryDesk(directory),
      sweep_(sweep),
      transport_(transport),
      fail_fast_(fail_fast),
      held_(static_cast<std::size_t>(transport.size())),
      is_gone_(static_cast<std::size_t>(transport.size()), 0) {
  is_gone_[0] = 1;
}

GivingDesk::~GivingDesk() {
  const bool is_complete = is_done();
  for (int rank = 1; rank < transport_.size(); ++rank) {
    if (is_gone_[rank] == 0) transport_.send(rank, std::string(1, is_complete ? kOver : kStop));
  }
  while (std::count(is_gone_.begin(), is_gone_.end(), 0) > 0) {
    const std::optional<Message> message = transport_.receive();
    if (!message) {
      std::this_thread::sleep_for(kPause);
    } else if (message->text[0] == kBye) {
      is_gone_[message->from] = 1;
    } else if (message->text[0] == kRow || message->text[0] == kFailed) {
      try {
        record(message->text.substr(1), message->text[0] == kFailed);
      } catch (const std::exception&) {  // the error that ends the run has been said
      }
    }
  }
}

std::optional<std::size_t> GivingDesk::take() {
  serve();
  if (fail_fast_ && has_failed()) return std::nullopt;
  return DirectoryDesk::take();
}

bool GivingDesk::is_done() {
  serve();
  return DirectoryDesk::is_done() && std::none_of(held_.begin(), held_.end(), [](const auto& held) {
           return held.has_value();
         });
}

void GivingDesk::serve() {
  while (const std::optional<Message> message = transport_.receive()) answer(*message);
  // What came back may be given to those who found none.
  const std::vector<int> waiting = std::move(waiting_);
  waiting_.clear();
  for (const int rank : waiting) give(rank);
}

void GivingDesk::answer(const Message& message) {
  const std::string rest = message.text.substr(1);
  switch (message.text[0]) {
    case kAsk:
      give(message.from);
      break;
    case kBye:
      is_gone_[message.from] = 1;
      [[fallthrough]];
    case kReturn:
      if (held_[message.from]) put_back(*held_[message.from]);
      held_[message.from].reset();
      break;
    default:
      record(rest, message.text[0] == kFailed);
      held_[message.from].reset();
  }
}

void GivingDesk::give(int rank) {
  const bool may_give = !(fail_fast_ && has_failed());
  const std::optional<std::size_t> index = may_give ? DirectoryDesk::take() : std::nullopt;
  if (!index) {
    waiting_.push_back(rank);
    return;
  }
  held_[rank] = index;
  const fs::path at = fs::absolute(run_folder() / point_folder_name(sweep_.points[*index]));
  transport_.send(rank, kPoint + std::to_string(*index) + " " + at.string());
}

AskingDesk::~AskingDesk() { transport_.send(0, std::string(1, kBye)); }

void AskingDesk::listen() {
  while (const std::optional<Message> message = transport_.receive()) {
    const std::string& text = message->text;
    if (text[0] == kPoint) {
      const std::size_t space = text.find(' ');
      given_ = std::stoull(text.substr(1, space - 1));
      folders_[*given_] = text.substr(space + 1);
      has_asked_ = false;
    } else {
      is_over_ = true;
      must_stop_ = must_stop_ || text[0] == kStop;
    }
  }
}

std::optional<std::size_t> AskingDesk::take() {
  listen();
  if (!given_ && !has_asked_ && !is_over_) {
    transport_.send(0, std::string(1, kAsk));
    has_asked_ = true;
  }
  return std::exchange(given_, std::nullopt);
}

void AskingDesk::put_back(std::size_t) { transport_.send(0, std::string(1, kReturn)); }

bool AskingDesk::is_done() {
  listen();
  return is_over_ && !given_;
}

bool AskingDesk::must_stop() {
  listen();
  return must_stop_;
}

fs::path AskingDesk::folder(const Point& point) {
  const fs::path& folder = folders_.at(point.index);
  std::error_code failure;
  fs::remove_all(folder, failure);
  fs::create_directories(folder, failure);
  if (failure) {
    throw base::Error(folder.string(), "cannot be made: " + failure.message(),
                      "choose a folder that all processes see with --output");
  }
  return folder;
}

void AskingDesk::drop_folder(const Point& point) {
  std::error_code failure;
  fs::remove_all(folders_.at(point.index), failure);
}

void AskingDesk::record(const std::string& row, bool has_failed) {
  ++num_recorded_;
  transport_.send(0, (has_failed ? kFailed : kRow) + row);
}

Transport& Crew::employ() {
  is_employed_ = true;
  return *transport_;
}

Crew::~Crew() {
  if (transport_ == nullptr || transport_->rank() > 0 || is_employed_) return;
  for (int rank = 1; rank < transport_->size(); ++rank) {
    transport_->send(rank, std::string(1, kStop));
  }
  for (int left = transport_->size() - 1; left > 0;) {
    const std::optional<Message> message = transport_->receive();
    if (message && message->text[0] == kBye) --left;
    if (!message) std::this_thread::sleep_for(kPause);
  }
}

}  // namespace moesim::experiments
