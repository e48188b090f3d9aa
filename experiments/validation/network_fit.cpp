// SPDX-License-Identifier: Apache-2.0
#include "experiments/validation/network_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/error.h"
#include "experiments/validation/nelder_mead.h"
#include "experiments/validation/sensitivity.h"
#include "sim/scenario.h"

namespace moesim::experiments {
namespace {

using sim::Protocol;
using Cases = std::vector<std::size_t>;

// A positive number of a protocol, searched by its logarithm.
struct Parameter {
  const char* name;
  double (*get)(const Protocol&);
  void (*set)(Protocol&, double);
  std::string (*text)(const Protocol&);
  double start;  // where the protocol does not say
  double least;  // the bounds of its value
  double most;
};

// A quantity that differs from its start by more does nothing, or everything.
constexpr double kWidest = 1e4;

template <auto Member>
Parameter quantity(const char* name, double start) {
  using Value = std::remove_cvref_t<decltype(Protocol{}.*Member)>;
  return {name,
          [](const Protocol& protocol) { return (protocol.*Member).value; },
          [](Protocol& protocol, double value) { protocol.*Member = Value(value); },
          [](const Protocol& protocol) { return base::to_text(protocol.*Member); },
          start,
          start / kWidest,
          start * kWidest};
}

template <auto Member>
Parameter share(const char* name, double start) {
  return {name,
          [](const Protocol& protocol) { return protocol.*Member; },
          [](Protocol& protocol, double value) { protocol.*Member = value; },
          [](const Protocol& protocol) { return fmt::format("{}", protocol.*Member); },
          start,
          start / kWidest,
          1};
}

// Every number that may be fitted: the one place to add another.
const std::vector<Parameter>& parameters() {
  static const std::vector<Parameter> table = {
      quantity<&Protocol::kernel_latency>("kernel_latency", 20e-6),
      quantity<&Protocol::message_latency>("message_latency", 0.1e-6),
      quantity<&Protocol::chunk_overhead>("chunk_overhead", 2e-6),
      quantity<&Protocol::row_latency>("row_latency", 0.4e-6),
      quantity<&Protocol::sum_bandwidth>("sum_bandwidth", 1e9),
      quantity<&Protocol::sm_bandwidth>("sm_bandwidth", 20e9),
      share<&Protocol::scale_up_latency_share>("scale_up_latency_share", 0.3),
      share<&Protocol::scale_up_efficiency>("scale_up_efficiency", 0.7),
      share<&Protocol::network_efficiency>("network_efficiency", 0.9),
  };
  return table;
}

std::vector<const Parameter*> chosen_parameters(const std::vector<std::string>& names) {
  if (names.empty() || names.size() > kMostFitted) {
    throw base::Error("--fit",
                      std::to_string(names.size()) + " numbers cannot be fitted to one machine",
                      "name one to " + std::to_string(kMostFitted) + " of the protocol's keys");
  }
  std::vector<const Parameter*> chosen;
  for (const std::string& name : names) {
    const auto found = std::find_if(parameters().begin(), parameters().end(),
                                    [&](const Parameter& one) { return one.name == name; });
    if (found == parameters().end()) {
      throw base::Error("--fit", "\"" + name + "\" is no number that can be fitted",
                        base::did_you_mean(name, fittable_parameters()));
    }
    if (std::count(names.begin(), names.end(), name) > 1) {
      throw base::Error("--fit", "\"" + name + "\" is named twice", "name it once");
    }
    chosen.push_back(&*found);
  }
  return chosen;
}

Cases cases_where(const std::vector<MeasuredCase>& all, Trust trust, bool held_out) {
  Cases cases;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].trust == trust && all[i].held_out == held_out) cases.push_back(i);
  }
  return cases;
}

// The best trust of which calibration may see a case.
Trust judged_trust(const std::vector<MeasuredCase>& all) {
  for (const Trust trust : {Trust::a, Trust::b}) {
    if (!cases_where(all, trust, false).empty()) return trust;
  }
  return Trust::c;
}

constexpr double kSmallError = 0.05;

class Search {
 public:
  Search(const SeriesModel& model, Protocol start, std::vector<const Parameter*> parameters,
         Cases cases)
      : model_(model),
        protocol_(std::move(start)),
        parameters_(std::move(parameters)),
        cases_(std::move(cases)) {}

  Protocol protocol_at(const std::vector<double>& logarithms) const {
    Protocol protocol = protocol_;
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      parameters_[i]->set(protocol, std::clamp(std::exp(logarithms[i]), parameters_[i]->least,
                                               parameters_[i]->most));
    }
    return protocol;
  }

  // [cases] ln(simulated / measured).
  std::vector<double> residuals(const std::vector<double>& logarithms) const {
    std::vector<double> residuals =
        model_.time_ratios(protocol_at(logarithms), sim::Fidelity::analytic, cases_);
    for (double& ratio : residuals) ratio = std::log(ratio);
    return residuals;
  }

  double cost(const std::vector<double>& logarithms) const {
    double sum = 0;
    for (const double residual : residuals(logarithms)) sum += std::hypot(residual, kSmallError);
    // Beyond a bound costs, so that the search comes back to it.
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      sum += std::max(0.0, logarithms[i] - std::log(parameters_[i]->most));
      sum += std::max(0.0, std::log(parameters_[i]->least) - logarithms[i]);
    }
    return sum;
  }

  std::vector<double> start() const {
    std::vector<double> logarithms;
    for (const Parameter* parameter : parameters_) {
      const double value = parameter->get(protocol_);
      const bool says = value > 0 && value != parameter->most;
      logarithms.push_back(std::log(says ? value : parameter->start));
    }
    return logarithms;
  }

 private:
  const SeriesModel& model_;
  Protocol protocol_;
  std::vector<const Parameter*> parameters_;
  Cases cases_;
};

// Three digits are more than such a fit knows.
double rounded(double value) { return std::stod(fmt::format("{:.2e}", value)); }

std::vector<double> search(const Search& search) {
  constexpr int kEvaluations = 300;
  std::vector<double> best = search.start();
  const std::function<double(const std::vector<double>&)> cost =
      [&search](const std::vector<double>& at) { return search.cost(at); };
  for (const double step : {0.5, 0.2, 0.05}) best = minimise(cost, best, step, kEvaluations).at;
  return best;
}

ErrorSummary errors_of(const SeriesModel& model, const Protocol& protocol, const Cases& cases) {
  std::vector<double> errors;
  const std::vector<double> ratios = model.time_ratios(protocol, sim::Fidelity::analytic, cases);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const bool is_time = model.cases()[cases[i]].time.has_value();
    errors.push_back(std::abs((is_time ? ratios[i] : 1 / ratios[i]) - 1));
  }
  return summarise(std::move(errors));
}

// Without multiprocessors of the protocol's own these say nothing, and no preset could hold them.
void require_multiprocessors(const Protocol& protocol,
                             const std::vector<const Parameter*>& chosen) {
  for (const Parameter* parameter : chosen) {
    const std::string name = parameter->name;
    if (protocol.comm_sms > 0 || (name != "row_latency" && name != "sm_bandwidth")) continue;
    throw base::Error("/protocol/comm_sms", name + " is one multiprocessor's, and none is given",
                      "set comm_sms and a first guess of " + name + " in the series' protocol");
  }
}

std::string errors_in_words(const NetworkFit& fit) {
  std::string text =
      fmt::format("median error {:.1f} % of {} cases", 100 * fit.fitted.median, fit.fitted.cases);
  if (fit.held_out.cases == 0) return text;
  return text +
         fmt::format(", {:.1f} % of {} held out", 100 * fit.held_out.median, fit.held_out.cases);
}

}  // namespace

std::vector<std::string> fittable_parameters() {
  std::vector<std::string> names;
  for (const Parameter& parameter : parameters()) names.emplace_back(parameter.name);
  return names;
}

NetworkFit fit_network(const Series& series, std::vector<std::string> names, int num_threads) {
  const std::vector<const Parameter*> chosen =
      chosen_parameters(names.empty() ? series.fitted : names);
  require_multiprocessors(protocol_of(series), chosen);
  const SeriesModel model(series, num_threads);
  const Trust trust = judged_trust(model.cases());
  const Cases seen = cases_where(model.cases(), trust, false);
  if (seen.size() < chosen.size()) {
    throw base::Error(series.name,
                      std::to_string(seen.size()) + " cases cannot fix " +
                          std::to_string(chosen.size()) + " numbers",
                      "add cases, or name fewer numbers with --fit");
  }
  const Search state(model, protocol_of(series), chosen, seen);
  std::vector<double> best = search(state);
  NetworkFit fit;
  fit.protocol = state.protocol_at(best);
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    chosen[i]->set(fit.protocol, rounded(chosen[i]->get(fit.protocol)));
    best[i] = std::log(chosen[i]->get(fit.protocol));
  }
  const std::vector<double> uncertainties = relative_uncertainties(
      [&state](const std::vector<double>& at) { return state.residuals(at); }, best);
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const double value = chosen[i]->get(fit.protocol);
    const bool at_bound = value >= chosen[i]->most || value <= rounded(chosen[i]->least);
    fit.parameters.push_back({chosen[i]->name, chosen[i]->text(fit.protocol), uncertainties[i],
                              at_bound, !at_bound && uncertainties[i] < 0.5});
  }
  fit.fitted = errors_of(model, fit.protocol, seen);
  const Cases unseen = cases_where(model.cases(), trust, true);
  fit.held_out = errors_of(model, fit.protocol, unseen);
  return fit;
}

std::string preset_text(const NetworkFit& fit, const Series& series) {
  base::JsonValue section = sim::resolve_comm_preset(series.protocol);
  base::JsonValue preset = base::json_object();
  for (base::JsonMember& member : section.members) {
    if (member.key == "preset") continue;
    base::add_member(preset, member.key, std::move(member.value));
  }
  const std::string origin =
      "fitted by moesim calibrate network to " + series.name + " (" + errors_in_words(fit) + ")";
  const base::JsonValue values = base::to_json(fit.protocol);
  for (const FittedParameter& parameter : fit.parameters) {
    const base::JsonValue* value = values.find(parameter.name);
    CHECK(value != nullptr, "a fitted number has an effect");
    const std::string doubt = parameter.identifiable ? "" : "; the table hardly fixes it";
    base::set_json_at(preset, parameter.name, *value, "--fit");
    base::set_json_at(preset, "sources." + parameter.name, base::json_of(origin + doubt), "--fit");
  }
  return base::to_text(preset) + "\n";
}

std::string fit_text(const NetworkFit& fit) {
  std::string text;
  for (const FittedParameter& parameter : fit.parameters) {
    text += fmt::format("  {:<24} {:>14}  +- {:.0f} %\n", parameter.name, parameter.value,
                        100 * parameter.uncertainty);
  }
  text += fmt::format("  fitted to {} cases: median error {:.1f} %, p90 {:.1f} %\n",
                      fit.fitted.cases, 100 * fit.fitted.median, 100 * fit.fitted.p90);
  if (fit.held_out.cases > 0) {
    text += fmt::format("  held out, {} cases: median error {:.1f} %, p90 {:.1f} %\n",
                        fit.held_out.cases, 100 * fit.held_out.median, 100 * fit.held_out.p90);
  }
  for (const FittedParameter& parameter : fit.parameters) {
    if (parameter.identifiable) continue;
    text += fmt::format("  warning: the table hardly fixes {}{}\n", parameter.name,
                        parameter.at_bound ? ", which ended at its bound" : "");
  }
  return text;
}

}  // namespace moesim::experiments
