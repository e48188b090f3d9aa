// SPDX-License-Identifier: Apache-2.0
// One sweep in many processes: rank 0 has the run directory open, gives each process that asks the
// next point, and records the rows that come back. A point is given to whoever is free, so that
// long ones hold nobody up. All processes see the directory (a shared file system).
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "experiments/runs/point_desk.h"
#include "experiments/runs/transport.h"

namespace moesim::experiments {

// Rank 0's desk, for its own workers and for the others.
class GivingDesk final : public DirectoryDesk {
 public:
  // Keeps references. `fail_fast`: no more points are given once one has failed.
  GivingDesk(const Sweep& sweep, RunDirectory& directory, Transport& transport, bool fail_fast);
  // Tells the others to stop, and waits until they have.
  ~GivingDesk() override;

  std::optional<std::size_t> take() override;
  bool is_done() override;

 private:
  void serve();
  void answer(const Message& message);
  void give(int rank);

  const Sweep& sweep_;
  Transport& transport_;
  bool fail_fast_;
  std::vector<std::optional<std::size_t>> held_;  // [ranks] the point that it has
  std::vector<char> is_gone_;                     // [ranks] has said good-bye
  std::vector<int> waiting_;                      // ranks that asked when there was none
};

// The desk of the other ranks.
class AskingDesk final : public PointDesk {
 public:
  explicit AskingDesk(Transport& transport) : transport_(transport) {}
  ~AskingDesk() override;  // says good-bye

  std::optional<std::size_t> take() override;
  void put_back(std::size_t index) override;
  bool is_done() override;
  bool must_stop() override;
  std::filesystem::path folder(const Point& point) override;
  void drop_folder(const Point& point) override;
  void record(const std::string& row, bool has_failed) override;
  bool has_failed() const override { return false; }  // rank 0 decides
  std::size_t num_recorded() const override { return num_recorded_; }

 private:
  void listen();

  Transport& transport_;
  bool has_asked_ = false;
  bool is_over_ = false;
  bool must_stop_ = false;
  std::optional<std::size_t> given_;
  std::map<std::size_t, std::filesystem::path> folders_;  // by point
  std::size_t num_recorded_ = 0;
};

// Tells the other ranks to stop, and waits until they have, unless a GivingDesk has.
class Crew {
 public:
  explicit Crew(std::unique_ptr<Transport> transport) : transport_(std::move(transport)) {}
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  // Null where this process is alone.
  Transport* transport() { return transport_.get(); }
  // The caller makes a desk for them.
  Transport& employ();

 private:
  std::unique_ptr<Transport> transport_;
  bool is_employed_ = false;
};

}  // namespace moesim::experiments
