// SPDX-License-Identifier: Apache-2.0
// Desks of several ranks in one process, each on its thread, over mailboxes; tests/cli/mpi_test.py
// has them in processes of their own, over MPI.
#include "experiments/runs/shared_desk.h"

#include <gtest/gtest.h>

#include <deque>
#include <fstream>
#include <mutex>
#include <set>
#include <thread>

#include "tests/experiments/small_document.h"

namespace moesim::experiments {
namespace {

namespace fs = std::filesystem;

class Mailboxes {
 public:
  explicit Mailboxes(int ranks) : boxes_(static_cast<std::size_t>(ranks)) {}

  int size() const { return static_cast<int>(boxes_.size()); }
  void put(int to, Message message) {
    const std::lock_guard lock(mutex_);
    boxes_.at(to).push_back(std::move(message));
  }
  std::optional<Message> take(int rank) {
    const std::lock_guard lock(mutex_);
    if (boxes_.at(rank).empty()) return std::nullopt;
    Message message = std::move(boxes_[rank].front());
    boxes_[rank].pop_front();
    return message;
  }

 private:
  std::mutex mutex_;
  std::vector<std::deque<Message>> boxes_;
};

class MailTransport final : public Transport {
 public:
  MailTransport(Mailboxes& boxes, int rank) : boxes_(boxes), rank_(rank) {}
  int rank() const override { return rank_; }
  int size() const override { return boxes_.size(); }
  void send(int to, const std::string& text) override { boxes_.put(to, {rank_, text}); }
  std::optional<Message> receive() override { return boxes_.take(rank_); }

 private:
  Mailboxes& boxes_;
  int rank_;
};

class SharedDeskTest : public testing::Test {
 protected:
  ~SharedDeskTest() override { fs::remove_all(root_); }

  std::string row_of(std::size_t index) const {
    return R"({"status":"ok","scenario":{"name":"small","point":")" + sweep_.points[index].id +
           R"(","index":)" + std::to_string(index) + "}}";
  }
  // The experiment's file, written.
  fs::path input() const {
    fs::create_directories(root_);
    std::ofstream(root_ / "input.json") << "{}\n";
    return root_ / "input.json";
  }
  // Ends every point that the desk gives, until there are none.
  void work(PointDesk& desk, std::set<std::size_t>& done) const {
    while (!desk.is_done() && !desk.must_stop()) {
      const std::optional<std::size_t> index = desk.take();
      if (!index) continue;
      EXPECT_TRUE(fs::is_directory(desk.folder(sweep_.points[*index])));
      done.insert(*index);
      desk.record(row_of(*index), false);
    }
  }

  const fs::path root_ =
      fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
  const Sweep sweep_ = expand(small_document(R"(, "sweep": {"router.seed": {"range": [0, 59]}})"));
  RunDirectory directory_{root_ / "runs", new_manifest(sweep_, "moesim"), input()};
  Mailboxes boxes_{3};
  MailTransport lead_{boxes_, 0};
};

TEST_F(SharedDeskTest, EachPointGoesToOneRankAndItsRowComesBack) {
  std::vector<std::set<std::size_t>> done(3);
  std::vector<std::thread> others;
  for (int rank = 1; rank < 3; ++rank) {
    others.emplace_back([&, rank] {
      MailTransport transport(boxes_, rank);
      AskingDesk desk(transport);
      work(desk, done[rank]);
    });
  }
  {
    GivingDesk desk(sweep_, directory_, lead_, false);
    work(desk, done[0]);
  }
  for (std::thread& other : others) other.join();
  EXPECT_EQ(done[0].size() + done[1].size() + done[2].size(), 60u);
  EXPECT_TRUE(directory_.missing_points().empty());
}

// Rank 1 takes a point and leaves without its row: another gets it.
TEST_F(SharedDeskTest, APointOfARankThatLeftIsGivenAgain) {
  MailTransport transport(boxes_, 1);
  MailTransport third(boxes_, 2);
  { AskingDesk gone(third); }
  std::set<std::size_t> done;
  {
    GivingDesk desk(sweep_, directory_, lead_, false);
    {
      AskingDesk leaving(transport);
      EXPECT_FALSE(leaving.take().has_value());  // has only asked
      EXPECT_FALSE(desk.is_done());              // answers
      EXPECT_EQ(leaving.take(), 0u);
    }
    work(desk, done);
  }
  EXPECT_EQ(done.size(), 60u);
  EXPECT_TRUE(directory_.missing_points().empty());
}

TEST_F(SharedDeskTest, WhenTheLeadStopsTheOthersAreToldTo) {
  MailTransport transport(boxes_, 1);
  MailTransport third(boxes_, 2);
  { AskingDesk gone(third); }
  std::thread other([&] {
    AskingDesk desk(transport);
    while (!desk.must_stop()) desk.take();
  });
  { const GivingDesk desk(sweep_, directory_, lead_, false); }
  other.join();
  EXPECT_EQ(directory_.missing_points().size(), 60u);
}

TEST_F(SharedDeskTest, ACrewWithoutWorkIsDismissed) {
  std::vector<std::thread> others;
  for (int rank = 1; rank < 3; ++rank) {
    others.emplace_back([&, rank] {
      MailTransport transport(boxes_, rank);
      AskingDesk desk(transport);
      while (!desk.is_done()) desk.take();
    });
  }
  { Crew crew(std::make_unique<MailTransport>(boxes_, 0)); }
  for (std::thread& other : others) other.join();
}

}  // namespace
}  // namespace moesim::experiments
