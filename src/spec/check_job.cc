#include "spec/check_job.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "spec/cross_check.h"

namespace planewise::spec {
namespace {

/// Reports mistakes at keys of one job.
class JobRefusals {
 public:
  JobRefusals(const JobSpec& job, Diagnostics& diagnostics)
      : job_(job), diagnostics_(diagnostics) {}

  void add(const char* key, const std::string& message, const std::string& hint = {}) {
    diagnostics_.add(job_.origin.diagnose(key, message, hint));
  }
  /// `count` things named `what` divide over `ranks`.
  void divides(const char* key, std::int64_t count, const std::string& what, std::int64_t ranks) {
    if (count % ranks == 0) return;
    std::int64_t fits = ranks;
    while (count % fits != 0) --fits;
    add(key, fmt::format("{} {} do not divide over {} ranks", count, what, ranks),
        fmt::format("write {} or another divisor of {}", fits, count));
  }

 private:
  const JobSpec& job_;
  Diagnostics& diagnostics_;
};

/// An even split of layers, the stages at the ends with one less until it adds up.
std::vector<std::int64_t> suggested_layers(std::int64_t layers, std::int64_t stages) {
  const std::int64_t most = (layers + stages - 1) / stages;
  std::vector<std::int64_t> split(static_cast<std::size_t>(stages), most);
  std::int64_t over = most * stages - layers;
  for (std::size_t i = 0; over > 0; ++i, --over) {
    const std::size_t place = i % 2 == 0 ? split.size() - 1 - i / 2 : i / 2;
    split[place] -= 1;
  }
  return split;
}

void check_attention(const JobSpec& job, const ModelSpec& model, JobRefusals& refusals) {
  const ParallelSpec& p = job.parallel;
  const AttentionSpec& a = model.attention;
  refusals.divides("parallel.tensor", a.heads, "attention heads", p.tensor);
  const bool shares_heads = a.kind == AttentionKind::gqa && p.tensor > a.kv_heads;
  if (shares_heads && p.tensor % a.kv_heads != 0) {
    refusals.add("parallel.tensor", fmt::format("{} ranks do not share {} key/value heads evenly",
                                                p.tensor, a.kv_heads));
  } else if (a.kind == AttentionKind::gqa && !shares_heads) {
    refusals.divides("parallel.tensor", a.kv_heads, "key/value heads", p.tensor);
  }
  const std::int64_t cuts = std::int64_t{p.tensor} * p.context;
  if (job.batch.sequence_length % cuts != 0) {
    refusals.add("batch.sequence_length",
                 fmt::format("{} tokens do not divide over {} context x {} tensor ranks",
                             job.batch.sequence_length, p.context, p.tensor),
                 fmt::format("use a multiple of {}", cuts));
  }
}

void check_dense(const JobSpec& job, const ModelSpec& model, JobRefusals& refusals) {
  const bool has_dense = !model.moe || model.moe->first_dense_layers > 0;
  if (has_dense) {
    refusals.divides("parallel.tensor", model.intermediate, "columns of the feed-forward",
                     job.parallel.tensor);
  }
  if (model.moe) return;
  if (job.parallel.expert > 1 || job.parallel.expert_tensor > 1) {
    refusals.add("parallel.expert", fmt::format("the model {} has no routed experts", model.name),
                 "leave out 'expert' and 'expert_tensor'");
  }
  if (job.has_routing) {
    refusals.add("routing", fmt::format("the model {} has no routed experts", model.name),
                 "leave out 'routing'");
  }
}

/// Of so many layers with experts, MTP's among them.
void check_counts(const JobSpec& job, const MoeSpec& moe, std::int64_t layers,
                  JobRefusals& refusals) {
  if (job.routing.tokens != TokenRouting::counts) return;
  const auto counted = static_cast<std::int64_t>(job.routing.counts.size());
  const auto experts = static_cast<std::int64_t>(job.routing.counts.front().size());
  if (counted == layers && experts == moe.routed_experts) return;
  refusals.add("routing.counts",
               fmt::format("{} counts {} layers of {} experts; the model has {} layers of {}",
                           job.routing.counts_path, counted, experts, layers, moe.routed_experts),
               "count every MoE layer, and the MTP module's after the last");
}

void check_moe(const JobSpec& job, const ModelSpec& model, JobRefusals& refusals) {
  const MoeSpec& moe = *model.moe;
  const std::string& name = model.name;
  const std::int64_t layers = model.layers - moe.first_dense_layers + model.mtp_depth;
  const ParallelSpec& p = job.parallel;
  refusals.divides("parallel.expert", moe.routed_experts, "routed experts", p.expert);
  refusals.divides("parallel.expert_tensor", moe.expert_intermediate, "columns of an expert",
                   p.expert_tensor);
  const int in_groups = moe.routed_experts / moe.groups * moe.groups_per_token;
  if (moe.groups > 1 && in_groups < moe.experts_per_token) {
    refusals.add("model",
                 fmt::format("{} groups a token of {} hold {} experts, fewer than its {}",
                             moe.groups_per_token, name, in_groups, moe.experts_per_token));
  }
  if (!job.has_routing) {
    refusals.add("routing", fmt::format("missing; {} has routed experts", name),
                 "add 'routing' with 'tokens', 'nodes_per_token' and 'source'");
    return;
  }
  check_counts(job, moe, layers, refusals);
  if (job.routing.transport != TokenTransport::node_limited) return;
  if (job.routing.tokens == TokenRouting::balanced &&
      moe.experts_per_token % job.routing.nodes_per_token != 0) {
    refusals.add(
        "routing.nodes_per_token",
        fmt::format("{} experts a token do not divide over {} nodes, which balanced routing needs",
                    moe.experts_per_token, job.routing.nodes_per_token));
  } else if (moe.groups > 1 && job.routing.nodes_per_token > moe.groups_per_token) {
    refusals.add("routing.nodes_per_token",
                 fmt::format("the router of {} picks from at most {} groups a token", name,
                             moe.groups_per_token),
                 fmt::format("write {} or less", moe.groups_per_token));
  }
}

/// What is not simulated together.
void check_combination(const JobSpec& job, const ModelSpec& model, JobRefusals& refusals) {
  if (model.mtp_depth > 1) {
    refusals.add("model",
                 fmt::format("{} MTP modules in {}; training is simulated with at most one so far",
                             model.mtp_depth, model.name));
  }
  const bool delays = job.schedule == Schedule::dualpipe || job.schedule == Schedule::zb1p;
  if (delays && job.recomputation == Recomputation::full) {
    refusals.add("recomputation", "full recomputation is not simulated with this schedule",
                 "write 'selective' or 'none'");
  }
  if (delays && (job.overlap.gradients || job.overlap.parameters)) {
    refusals.add(job.overlap.gradients ? "overlap.gradients" : "overlap.parameters",
                 "this schedule computes weight gradients late; data-parallel exchanges beside it "
                 "are not simulated",
                 "write 'false'");
  }
  if (job.overlap.parameters && job.optimizer.sharding == Sharding::none) {
    refusals.add("overlap.parameters", "there are no parts to gather with 'sharding: none'",
                 "write 'sharding: zero1'");
  }
  if (job.optimizer.sharding == Sharding::fsdp) {
    if (delays) {
      refusals.add("optimizer.sharding", "'fsdp' is not simulated with this schedule",
                   "write 'zero1', or 'schedule: 1f1b'");
    }
    if (job.overlap.gradients || job.overlap.parameters) {
      refusals.add(job.overlap.gradients ? "overlap.gradients" : "overlap.parameters",
                   "'fsdp' always moves them layer by layer", "leave it out");
    }
  }
  if (job.schedule == Schedule::interleaved_one_f_one_b && job.parallel.pipeline < 2) {
    refusals.add("parallel.pipeline", "interleaved_1f1b needs two ranks or more");
  }
  if (job.parallel.layout == GroupLayout::spread &&
      (job.parallel.tensor > 1 || job.parallel.context > 1 || job.parallel.expert_tensor > 1)) {
    refusals.add("parallel.layout", "'spread' is for jobs without tensor and context parallelism",
                 "write a 'placement' instead");
  }
}

}  // namespace

void complete_job(JobSpec& job, const ModelSpec& model, Diagnostics& diagnostics) {
  if (!job.parallel.layers_per_stage.empty()) return;
  const std::int64_t stages = job.parallel.stages();
  if (model.layers % stages == 0) {
    job.parallel.layers_per_stage.assign(static_cast<std::size_t>(stages), model.layers / stages);
    return;
  }
  const std::string split =
      stages <= 64 ? fmt::format("[{}]", fmt::join(suggested_layers(model.layers, stages), ", "))
                   : std::string("a list of one number a stage");
  diagnostics.add(job.origin.diagnose(
      "parallel",
      fmt::format("{} layers of {} do not divide over {} stages", model.layers, model.name, stages),
      fmt::format("write 'layers_per_stage', such as {}", split)));
}

void check_job_and_model(const JobSpec& job, const ModelSpec& model, Diagnostics& diagnostics) {
  JobRefusals refusals(job, diagnostics);
  const std::vector<std::int64_t>& stages = job.parallel.layers_per_stage;
  const std::int64_t sum = std::accumulate(stages.begin(), stages.end(), std::int64_t{0});
  if (!stages.empty() && sum != model.layers) {
    refusals.add("parallel.layers_per_stage",
                 fmt::format("sums to {}, but {} has {} layers", sum, model.name, model.layers),
                 "the MTP module is not counted here; it sits on the last stage");
  }
  check_attention(job, model, refusals);
  check_dense(job, model, refusals);
  if (model.moe) check_moe(job, model, refusals);
  check_combination(job, model, refusals);
}

void check_job_and_topology(const JobSpec& job, const TopologySpec& topology,
                            Diagnostics& diagnostics) {
  check_can_be_simulated(topology, diagnostics);
  const std::int64_t gpus = topology.nodes.count * topology.nodes.gpus;
  const ParallelSpec& p = job.parallel;
  const int on_node = ranks_per_node(p, topology.nodes.gpus);
  const std::int64_t nodes = (p.ranks() + on_node - 1) / on_node;
  if (p.gpu_of_rank.empty() && nodes > topology.nodes.count) {
    diagnostics.add(job.origin.diagnose(
        "parallel",
        fmt::format("{} stages x {} ranks = {} need {} nodes of {}, but {} has {} x {} = {} GPUs",
                    p.pipeline, p.ranks_per_stage(), p.ranks(), nodes, on_node,
                    topology.origin.path, topology.nodes.count, topology.nodes.gpus, gpus),
        "every rank runs on a GPU of its own"));
  }
  for (const std::int64_t gpu : p.gpu_of_rank) {
    if (gpu < gpus) continue;
    diagnostics.add(job.origin.diagnose(
        "parallel.placement", fmt::format("names GPU {}, but {} has {}", gpu, topology.name, gpus),
        fmt::format("GPUs are 0 to {}", gpus - 1)));
    break;
  }
  if (p.layout == GroupLayout::spread && p.expert % topology.nodes.gpus != 0) {
    diagnostics.add(job.origin.diagnose(
        "parallel.expert",
        fmt::format("expert groups of {} do not fill nodes of {} GPUs, which 'layout: spread' "
                    "needs",
                    p.expert, topology.nodes.gpus),
        fmt::format("use a multiple of {}", topology.nodes.gpus)));
  }
}

}  // namespace planewise::spec
