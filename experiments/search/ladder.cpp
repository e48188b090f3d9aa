// SPDX-License-Identifier: Apache-2.0
#include "experiments/search/ladder.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "base/named_table.h"

namespace moesim::experiments {
namespace {

using sim::Fidelity;

constexpr int kTrainingShare = 8;
constexpr std::array<Fidelity, 3> kByCost = {Fidelity::analytic, Fidelity::collective,
                                             Fidelity::flow};
constexpr const char* kFidelityKey = "network.fidelity";
constexpr const char* kTrainStepsKey = "routing.proxy.train_steps";
constexpr const char* kSourceKey = "routing.source";

// True where the sweep sets the key, or a section that has it.
bool is_swept(const Sweep& sweep, const std::string& key) {
  return std::any_of(sweep.axes.begin(), sweep.axes.end(), [&](const std::string& axis) {
    return key == axis || key.starts_with(axis + ".");
  });
}

Rung at_fidelity(Fidelity fidelity) {
  Rung rung;
  rung.name = base::name_in_words(fidelity);
  rung.fidelity = fidelity;
  rung.settings.emplace_back(kFidelityKey, base::json_of(rung.name));
  return rung;
}

// The training steps of a workload whose keys begin with `prefix`: "jobs.1.", "" of the only one. A
// job's keys that are not set are those outside of "jobs".
void shorten(const std::string& prefix, const sim::RoutingConfig& routing, const Sweep& sweep,
             Rung& rung) {
  const std::string key = prefix + kTrainStepsKey;
  const auto is_varied = [&](const std::string& name) {
    return is_swept(sweep, name) || is_swept(sweep, prefix + name);
  };
  const bool is_trained = routing.source == sim::RoutingSourceKind::numerics;
  const bool is_short = routing.proxy.train_steps < 2;
  if (!is_trained || is_short || is_varied(kTrainStepsKey) || is_varied(kSourceKey)) return;
  const int steps = std::max(1, routing.proxy.train_steps / kTrainingShare);
  rung.settings.emplace_back(key, base::json_of(steps));
  if (!rung.shortens_training) {
    rung.name += ", " + std::to_string(steps) + " of " + std::to_string(routing.proxy.train_steps) +
                 " training steps";
  }
  rung.shortens_training = true;
}

void shorten_training(const Sweep& sweep, const Experiment& experiment, Rung& rung) {
  if (experiment.scenario.jobs.empty()) {
    return shorten("", experiment.scenario.routing, sweep, rung);
  }
  for (std::size_t i = 0; i < experiment.scenario.jobs.size(); ++i) {
    shorten("jobs." + std::to_string(i) + ".", experiment.scenario.jobs[i].routing, sweep, rung);
  }
}

// Where the document has the pointer's value, or the pointer alone.
std::string place_in(const Sweep& sweep, const std::string& section, const std::string& key) {
  const base::JsonValue* value = sweep.document->find(section);
  if (value != nullptr && !key.empty()) value = value->find(key);
  const std::string pointer = "/" + section + (key.empty() ? "" : "/" + key);
  return value != nullptr ? base::where_of(value->place, pointer) : pointer;
}

}  // namespace

std::string Rung::folder_name() const { return name.substr(0, name.find(',')); }

std::vector<Rung> screens_of(const Sweep& sweep, const Experiment& experiment) {
  if (is_swept(sweep, kFidelityKey)) {
    throw base::Error(place_in(sweep, "sweep", ""),
                      "varies network.fidelity, which a search chooses itself",
                      "take network.fidelity out of the sweep");
  }
  std::vector<Rung> screens;
  for (const Fidelity fidelity : kByCost) {
    if (fidelity == experiment.scenario.network.fidelity) break;
    screens.push_back(at_fidelity(fidelity));
  }
  Rung own = at_fidelity(experiment.scenario.network.fidelity);
  shorten_training(sweep, experiment, own);
  if (screens.empty() && own.shortens_training) screens.push_back(own);
  if (screens.empty()) {
    throw base::Error(place_in(sweep, "network", "fidelity"),
                      "is analytic, the cheapest there is: nothing can sort candidates out before",
                      "moesim run runs all points; or set network.fidelity to collective");
  }
  for (Rung& screen : screens) {
    if (!screen.shortens_training) shorten_training(sweep, experiment, screen);
  }
  return screens;
}

std::vector<Rung> confirmation_of(const Experiment& experiment) {
  const auto own = std::find(kByCost.begin(), kByCost.end(), experiment.scenario.network.fidelity);
  if (own == kByCost.end() - 1) return {};
  return {at_fidelity(kByCost.back())};
}

Sweep at_rung(const Sweep& sweep, const Rung& rung) {
  base::JsonValue document = *sweep.document;
  const std::string flag = "moesim search";
  for (const auto& [key, value] : rung.settings) base::set_json_at(document, key, value, flag);
  base::set_json_at(document, "outputs.points", base::json_of("none"), flag);
  Sweep changed = expand(document);
  changed.name = rung.folder_name();
  changed.wants_report = false;
  return changed;
}

Allowance allowance_of(const Budget& budget) {
  Allowance allowance;
  allowance.entrants = std::min(budget.points, budget.candidates);
  if (budget.seeds <= 1 || budget.objectives * budget.seeds > budget.points) return allowance;
  const std::size_t more = budget.seeds - 1;
  const std::size_t left = (budget.points - allowance.entrants) / more;
  allowance.seeds = budget.seeds;
  allowance.finalists = std::max({budget.objectives, budget.points / (2 * budget.seeds), left});
  allowance.finalists = std::min(allowance.finalists, budget.candidates);
  allowance.entrants = std::min(allowance.entrants, budget.points - allowance.finalists * more);
  return allowance;
}

std::vector<std::size_t> survivors_of(std::size_t candidates, std::size_t entrants,
                                      std::size_t screens) {
  std::vector<std::size_t> counts;
  const double ratio = static_cast<double>(entrants) / static_cast<double>(candidates);
  for (std::size_t screen = 1; screen <= screens; ++screen) {
    const double share =
        std::pow(ratio, static_cast<double>(screen) / static_cast<double>(screens));
    const double count = std::ceil(static_cast<double>(candidates) * share - 1e-9);
    counts.push_back(std::clamp<std::size_t>(static_cast<std::size_t>(count), 1, candidates));
  }
  return counts;
}

}  // namespace moesim::experiments
