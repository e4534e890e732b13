// Numbers about samples. Nothing is dropped.
#pragma once

#include <cstdint>
#include <vector>

namespace planewise::calibration {

struct Summary {
  double median = 0;
  double p10 = 0, p90 = 0;
  double deviation = 0;      ///< Median of the distances from the median.
  double low = 0, high = 0;  ///< 95 % of medians of samples drawn from these lie between.
  bool is_bimodal = false;   ///< Two heaps with a gap between, each with a fifth or more.
};

/// Requires: `samples` is not empty. `seed` draws the bootstrap's samples.
Summary summarise(std::vector<double> samples, std::uint64_t seed);

double median(std::vector<double> samples);

/// The value below which `share` of the samples lie, linear between two. Requires: not empty.
double quantile(std::vector<double> samples, double share);

/// Whether the medians of rounds lie within 3 % of each other.
bool is_stable(const std::vector<double>& medians);

}  // namespace planewise::calibration
