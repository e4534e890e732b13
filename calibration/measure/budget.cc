#include "calibration/measure/budget.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace planewise::calibration {
namespace {

/// Names the sweep that a measurement belongs to: all of it but the size that is swept.
std::string sweep_of(Measurement measurement) {
  measurement.shape.m = 0;
  measurement.rows = 0;
  measurement.sequence = 0;
  return key_of(measurement);
}

/// Keys that a layer's sum is made of: without them it could not be held against the layer.
std::set<std::string> needed_keys(const Plan& plan) {
  std::set<std::string> keys;
  for (const Measurement& measurement : plan.measurements) {
    keys.insert(measurement.parts.begin(), measurement.parts.end());
  }
  return keys;
}

/// The same of what is measured between ranks.
std::string sweep_of(CommPoint point) {
  point.size = bytes(0);
  point.load.tokens = 0;
  return key_of(point);
}

/// Leaves out every second size between the ends of each sweep between ranks; returns how many.
std::int64_t halve_comm_sweeps(Plan& plan) {
  std::map<std::string, std::vector<std::size_t>> sweeps;
  for (std::size_t i = 0; i < plan.comm.size(); ++i) {
    sweeps[sweep_of(plan.comm[i].point)].push_back(i);
  }
  std::set<std::size_t> left_out;
  for (const auto& [name, sweep] : sweeps) {
    for (std::size_t place = 1; place + 1 < sweep.size(); place += 2) left_out.insert(sweep[place]);
  }
  std::vector<CommTask> kept;
  for (std::size_t i = 0; i < plan.comm.size(); ++i) {
    if (!left_out.contains(i)) kept.push_back(std::move(plan.comm[i]));
  }
  plan.comm = std::move(kept);
  return std::ssize(left_out);
}

/// Leaves out every second measurement between the ends of each sweep; returns how many.
std::int64_t halve_sweeps(Plan& plan) {
  const std::set<std::string> needed = needed_keys(plan);
  std::map<std::string, std::vector<std::size_t>> sweeps;
  for (std::size_t i = 0; i < plan.measurements.size(); ++i) {
    const Measurement& measurement = plan.measurements[i];
    if (!needed.contains(key_of(measurement))) sweeps[sweep_of(measurement)].push_back(i);
  }
  std::set<std::size_t> left_out;
  for (auto& [name, sweep] : sweeps) {
    std::stable_sort(sweep.begin(), sweep.end(), [&](std::size_t a, std::size_t b) {
      const auto size = [&](std::size_t i) {
        const Measurement& m = plan.measurements[i];
        return std::max({m.shape.m, m.rows, m.sequence});
      };
      return size(a) < size(b);
    });
    for (std::size_t place = 1; place + 1 < sweep.size(); place += 2) left_out.insert(sweep[place]);
  }
  std::vector<Measurement> kept;
  for (std::size_t i = 0; i < plan.measurements.size(); ++i) {
    if (!left_out.contains(i)) kept.push_back(std::move(plan.measurements[i]));
  }
  plan.measurements = std::move(kept);
  return std::ssize(left_out);
}

}  // namespace

std::vector<std::string> cut_to_budget(Plan& plan, Seconds budget) {
  const int repetitions = plan.repetitions;
  const auto count = [&plan] { return std::ssize(plan.measurements) + std::ssize(plan.comm); };
  const std::int64_t sizes = count();
  while (plan.estimated > budget && plan.repetitions > 1) {
    plan.estimated = plan.estimated * (plan.repetitions - 1.0) / plan.repetitions;
    --plan.repetitions;
  }
  while (plan.estimated > budget) {
    const auto before = static_cast<double>(count());
    if (halve_sweeps(plan) + halve_comm_sweeps(plan) == 0) break;
    plan.estimated = plan.estimated * static_cast<double>(count()) / before;
  }
  std::vector<std::string> cuts;
  if (plan.repetitions < repetitions) {
    cuts.push_back(fmt::format("left out for the budget: {} of {} rounds",
                               repetitions - plan.repetitions, repetitions));
  }
  const std::int64_t left = count();
  if (left < sizes) {
    cuts.push_back(fmt::format("left out for the budget: {} of {} sizes", sizes - left, sizes));
  }
  if (plan.estimated > budget) {
    cuts.push_back(fmt::format("about {:.0f} s are still needed, more than the budget of {:.0f} s",
                               plan.estimated.in(seconds(1)), budget.in(seconds(1))));
  }
  return cuts;
}

}  // namespace planewise::calibration
