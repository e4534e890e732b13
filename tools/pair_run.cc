#include "tools/pair_run.h"

#include "fabric/fabric.h"
#include "simulate/observer.h"

namespace planewise::tools {
namespace {

/// Adds up how long exchanges take by label, the last member's arrival to the end of the tail.
class ExchangeTimes : public simulate::Observer {
 public:
  explicit ExchangeTimes(std::size_t labels) : sums_(labels), counts_(labels, 0) {}

  void run_began(const simulate::System& system) override { system_ = &system; }
  void transfer_ended(const simulate::TransferEnd& end) override {
    const auto& transfer = system_->transfers[static_cast<std::size_t>(end.transfer)];
    const auto label = static_cast<std::size_t>(transfer.label);
    const auto count = static_cast<double>(transfer.count);
    sums_[label] += (end.ended - end.started + transfer.tail) * count;
    counts_[label] += count;
  }

  Seconds mean(int label) const {
    const auto index = static_cast<std::size_t>(label);
    return counts_[index] > 0 ? sums_[index] / counts_[index] : Seconds{};
  }

 private:
  const simulate::System* system_ = nullptr;
  std::vector<Seconds> sums_;  ///< [label]
  std::vector<double> counts_;
};

}  // namespace

PairRun simulate_pair(const Inputs& inputs, int moe_layers, const SimulationFlags& flags) {
  const LoadedJob& loaded = *inputs.job;
  const fabric::Fabric fabric = fabric::lay_out(inputs.topologies.front().topology);
  const spec::NodesSpec& nodes = fabric.topology.nodes;
  const workload::ChunkPair pair = workload::chunk_pair({.job = loaded.job,
                                                         .model = loaded.model,
                                                         .profile = loaded.profile,
                                                         .nodes = nodes,
                                                         .seed = flags.seed},
                                                        moe_layers);
  ExchangeTimes times(pair.program.labels.size());
  const simulate::Result result =
      simulate::simulate(pair.program, workload::place_job(pair.parallel, nodes.gpus), fabric,
                         {.engine = flags.engine,
                          .symmetry = !flags.no_symmetry,
                          .seed = flags.seed,
                          .observers = {&times}});
  PairRun run{.span = result.step_time, .compute = pair.compute};
  for (std::size_t kind = 0; kind < run.exchanges.size(); ++kind) {
    run.exchanges[kind] = times.mean(pair.exchanges[kind]);
  }
  return run;
}

}  // namespace planewise::tools
