// A layer's products beside an exchange of tokens: two streams of a GPU, or two threads.
#include <algorithm>
#include <atomic>
#include <exception>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "calibration/comm/comm_run.h"
#include "calibration/measure/statistics.h"

namespace planewise::calibration {
namespace {

constexpr int kIterationsLeast = 5;
constexpr int kIterationsMost = 200;
constexpr Seconds kLength = milliseconds(300);

Seconds median_time(const std::vector<Seconds>& times) {
  std::vector<double> values;
  for (const Seconds time : times) values.push_back(time.in(seconds(1)));
  return seconds(median(std::move(values)));
}

/// Runs `exchange` on a thread of its own and the layer on this one until it ends; returns what the
/// layer's calls took that both began and ended meanwhile.
std::vector<Seconds> layer_beside(Bench& layer, const std::function<void()>& exchange) {
  std::atomic<bool> is_over{false};
  std::exception_ptr problem;
  std::thread other([&] {
    try {
      exchange();
    } catch (...) {
      problem = std::current_exception();
    }
    is_over = true;
  });
  std::vector<Seconds> times;
  try {
    while (!is_over) {
      const std::vector<Seconds> each = layer.run(1);
      if (!is_over) times.insert(times.end(), each.begin(), each.end());
    }
  } catch (...) {
    other.join();
    throw;
  }
  other.join();
  if (problem) std::rethrow_exception(problem);
  // A call that is longer than the whole exchange leaves nothing; then it counts as it is.
  if (times.empty()) times = layer.run(1);
  return times;
}

}  // namespace

OverlapRecord CommRunner::measure_overlap(Bench& layer, const std::string& name,
                                          const CommPoint& point, const CommSampling& sampling) {
  const std::unique_ptr<CommBench> bench = make_bench(point);
  const std::int64_t wrong = bench->check(sampling.seed);
  layer.check(sampling.seed);
  for (const std::string& text : store_.all_gather(std::to_string(wrong))) {
    if (std::stoll(text) > 0) throw std::runtime_error("tokens arrived wrong beside the layer");
  }
  const Work work = [&bench] { bench->run(); };
  const Seconds each = transport_.time_streaming(work, std::max(1, sampling.warm_up));
  const int count = agreed_iterations(
      each, {.iterations = kIterationsMost, .most = kLength, .iterations_least = kIterationsLeast});
  layer.run(3);
  // All ranks compute at once, as they do in a step.
  store_.barrier();
  const Seconds compute_alone = median_time(layer.run(std::max(5, sampling.iterations_least)));
  store_.barrier();
  const Seconds communication_alone = median_time(transport_.time_isolated(work, count));
  // Back to back for the layer, so that it is never alone; one by one for the exchange.
  const std::vector<Seconds> beside =
      layer_beside(layer, [&] { transport_.time_streaming(work, 2 * count); });
  std::vector<Seconds> exchanges;
  layer_beside(layer, [&] { exchanges = transport_.time_isolated(work, count); });
  std::vector<double> own = {compute_alone.in(seconds(1)), median_time(beside).in(seconds(1)),
                             communication_alone.in(seconds(1)),
                             median_time(exchanges).in(seconds(1))};
  std::string text;
  for (const double value : own) text += std::to_string(value * 1e6) + " ";
  OverlapRecord record{.compute = name,
                       .operation = point.operation,
                       .algorithm = point.algorithm,
                       .tokens = point.load.tokens,
                       .ranks = point.ranks};
  for (const std::string& share : store_.gather(text)) {
    std::istringstream in(share);
    for (Seconds* time : {&record.compute_alone, &record.compute_beside,
                          &record.communication_alone, &record.communication_beside}) {
      double us = 0;
      in >> us;
      *time = std::max(*time, microseconds(us));
    }
  }
  return record;
}

}  // namespace planewise::calibration
