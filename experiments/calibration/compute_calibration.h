// SPDX-License-Identifier: Apache-2.0
// A cost table from measured rows, and a table judged by other rows. Measuring this machine,
// reading a public table and checking a table against rows it has not seen all come through here.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "experiments/calibration/kernel_fit.h"

namespace moesim::experiments {

// Rows left out, by their reason.
struct LeftOutRows {
  std::string why;
  int rows = 0;
  std::vector<double> errors;  // of the table on them all the same
};

struct ShapeErrors {
  std::string shape;
  sim::ErrorFigures figures;
};

struct FamilyErrors {
  std::string family;
  sim::ErrorFigures all;
  sim::ErrorFigures balanced;
  sim::ErrorFigures skewed;
  std::vector<ShapeErrors> shapes;
};

struct Calibration {
  sim::CostTable table;
  std::vector<FamilyErrors> held_out;
  std::vector<std::string> warnings;  // families with too few rows, or whose fit is far off
};

// Fits every family that the rows hold. `like` gives machine, engine, ceilings, exclusions and, for
// each family, what is not fitted; a family it lacks takes the default tiles. Rows of other
// engines and excluded ones are left out. Throws base::Error where no row is left.
Calibration calibrate(const std::vector<LatencyRow>& rows, const sim::CostTable& like, int threads);

struct Judgement {
  std::vector<FamilyErrors> families;
  std::vector<LeftOutRows> left_out;
  sim::ErrorFigures with_left_out;  // of all families, exclusions counted
  int foreign = 0;                  // rows of other engines
  int unknown = 0;                  // rows of families that the table lacks
};

// The table's errors on rows that it was not fitted to, or was. Throws base::Error where none is
// left to judge by.
Judgement judge(const std::vector<LatencyRow>& rows, const sim::CostTable& table);

std::string calibration_text(const Calibration& calibration);
std::string judgement_text(const Judgement& judgement, bool by_shape);

// Tiles and workers for a family that nothing else is known of.
sim::KernelModel default_model(const std::string& family, int workers, double element_bytes);

}  // namespace moesim::experiments
