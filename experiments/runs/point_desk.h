// SPDX-License-Identifier: Apache-2.0
// Where a pool of workers gets its points from and brings their rows to: a run directory, or the
// process of another machine that has one open.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "experiments/runs/run_directory.h"
#include "experiments/sweep/sweep.h"

namespace moesim::experiments {

class PointDesk {
 public:
  virtual ~PointDesk() = default;

  // The index of a point to run; none when there is none now.
  virtual std::optional<std::size_t> take() = 0;
  // A point that was taken and could not be begun.
  virtual void put_back(std::size_t index) = 0;
  // Whether take() will give none any more.
  virtual bool is_done() = 0;
  // Whether what runs is to be stopped.
  virtual bool must_stop() { return false; }
  // Where the point's files go; it is there.
  virtual std::filesystem::path folder(const Point& point) = 0;
  // The point has none after all.
  virtual void drop_folder(const Point& point) = 0;
  // A point that was taken has ended.
  virtual void record(const std::string& row, bool has_failed) = 0;
  // Whether a point has failed since this desk was opened.
  virtual bool has_failed() const = 0;
  virtual std::size_t num_recorded() const = 0;
};

// The points without a row of a directory, or of some of its points.
class DirectoryDesk : public PointDesk {
 public:
  // Keeps a reference.
  explicit DirectoryDesk(RunDirectory& directory)
      : directory_(directory), missing_(directory.missing_points()) {}
  DirectoryDesk(RunDirectory& directory, std::vector<std::size_t> wanted);

  std::optional<std::size_t> take() override;
  void put_back(std::size_t index) override { returned_.push_back(index); }
  bool is_done() override { return next_ == missing_.size() && returned_.empty(); }
  std::filesystem::path folder(const Point& point) override {
    return directory_.point_folder(point);
  }
  void drop_folder(const Point& point) override { directory_.drop_point_folder(point); }
  void record(const std::string& row, bool has_failed) override;
  bool has_failed() const override { return has_failed_; }
  std::size_t num_recorded() const override { return directory_.journal().rows().size(); }

 protected:
  const std::filesystem::path& run_folder() const { return directory_.path(); }

 private:
  RunDirectory& directory_;
  std::vector<std::size_t> missing_;
  std::size_t next_ = 0;  // of `missing_`
  std::vector<std::size_t> returned_;
  bool has_failed_ = false;
};

}  // namespace moesim::experiments
