// SPDX-License-Identifier: Apache-2.0
#include "model/train/curve_file.h"

#include <string>

#include "base/error.h"
#include "base/json_value.h"

namespace moesim::model {
namespace {

std::string text_of(double value) { return base::to_text(base::json_of(value)); }

std::string row_of(const StepRecord& record, std::optional<double> validation_loss) {
  std::string row = std::to_string(record.step);
  for (const double value : {record.loss, record.balance, record.grad_norm, record.learning_rate}) {
    row += "," + text_of(value);
  }
  row += "," + std::to_string(record.tokens) + ",";
  if (validation_loss.has_value()) row += text_of(*validation_loss);
  return row + "\n";
}

}  // namespace

CurveFile::CurveFile(const std::filesystem::path& path, const TrainingHistory& history)
    : path_(path), file_(path, std::ios::trunc) {
  file_ << "step,training_loss,balance_loss,grad_norm,learning_rate,tokens,validation_loss\n";
  auto validation = history.validations.begin();
  for (const StepRecord& record : history.steps) {
    while (validation != history.validations.end() && validation->step < record.step) ++validation;
    std::optional<double> loss;
    if (validation != history.validations.end() && validation->step == record.step) {
      loss = validation->loss;
    }
    file_ << row_of(record, loss);
  }
  flush();
}

void CurveFile::add(const StepRecord& record, std::optional<double> validation_loss) {
  file_ << row_of(record, validation_loss);
  flush();
}

void CurveFile::flush() {
  if (!file_.flush()) {
    throw base::Error(path_.string(), "cannot be written",
                      "check that the folder may be written to and has room");
  }
}

}  // namespace moesim::model
