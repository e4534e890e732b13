#include "workload/training_labels.h"

#include "base/check.h"

namespace planewise::workload {
namespace {

struct ExchangeText {
  const char* name;
  const char* collective;  ///< Its own kernel's curve.
  const char* forward;     ///< The curve of the forward kernel of its kind.
};
constexpr std::array<ExchangeText, kExpertExchangeCount> kExchanges = {{
    {"dispatch", "ep_dispatch", "ep_dispatch"},
    {"combine", "ep_combine", "ep_combine"},
    {"combine backward", "ep_combine_backward", "ep_dispatch"},
    {"dispatch backward", "ep_dispatch_backward", "ep_combine"},
}};

const spec::CollectiveCurve& find(const spec::ProfileSpec& profile, const std::string& id) {
  const spec::CollectiveCurve* curve = spec::find_collective(profile, id);
  PW_CHECK(curve != nullptr);
  return *curve;
}

/// Of labels that every job has, though in some no transfer of theirs moves anything.
const spec::CollectiveCurve& find_or_nothing(bool is_needed, const spec::ProfileSpec& profile,
                                             const std::string& id) {
  static const spec::CollectiveCurve kNothing{.evidence = spec::Evidence::measured};
  const spec::CollectiveCurve* curve = spec::find_collective(profile, id);
  PW_CHECK(curve != nullptr || !is_needed);
  return curve != nullptr ? *curve : kNothing;
}

/// The kernel's own curve in the setting, else the forward kernel's there, else what there is.
const spec::CollectiveCurve& find_exchange(const spec::ProfileSpec& profile,
                                           const ExchangeText& text, Setting setting) {
  const spec::Beside beside =
      setting == Setting::paired ? spec::Beside::compute : spec::Beside::alone;
  for (const char* id : {text.collective, text.forward}) {
    const spec::CollectiveCurve* curve = spec::find_collective(profile, id, beside);
    if (curve != nullptr && curve->beside == beside) return *curve;
  }
  return find(profile, text.forward);
}

/// Some group of ranks adds up gradients: more than one rank holds the same parameters.
bool has_replicas(const spec::JobSpec& job, const spec::ModelSpec& model) {
  const spec::ParallelSpec& p = job.parallel;
  const int copies = job.schedule == spec::Schedule::dualpipe ? 2 : 1;
  const bool of_experts = model.moe && copies * p.ranks_per_stage() > p.expert * p.expert_tensor;
  return copies * p.context * p.data > 1 || of_experts;
}

/// Messages of the pipeline, the ring of a context group, the norm over all ranks.
bool sends_messages(const spec::JobSpec& job) { return job.parallel.ranks() > 1; }

bool uses_nccl(const spec::JobSpec& job) {
  return job.routing.transport == spec::TokenTransport::all_to_all;
}

}  // namespace

bool shares_embedding(const spec::JobSpec& job, const spec::ModelSpec& model) {
  return job.parallel.pipeline > 1 && job.schedule != spec::Schedule::dualpipe &&
         (model.mtp_depth > 0 || model.tied_embedding);
}

std::vector<std::string> job_collectives(const spec::JobSpec& job, const spec::ModelSpec& model) {
  std::vector<std::string> ids;
  const spec::ParallelSpec& p = job.parallel;
  if (model.moe && p.expert > 1) {
    if (uses_nccl(job)) {
      ids.emplace_back("all_to_all");
    } else {
      ids.insert(ids.end(), {"ep_dispatch", "ep_combine"});
    }
  }
  if (sends_messages(job)) ids.emplace_back("point_to_point");
  if (has_replicas(job, model)) ids.emplace_back("ring");
  const bool gathers = p.tensor > 1 || p.expert_tensor > 1 ||
                       (p.context > 1 && p.context_exchange == spec::ContextExchange::all_gather);
  if (gathers) ids.insert(ids.end(), {"all_gather", "reduce_scatter"});
  return ids;
}

JobLabels::JobLabels(const spec::JobSpec& job, const spec::ModelSpec& model,
                     const spec::ProfileSpec& profile, const LabelShape& shape)
    : shape_(shape) {
  const spec::ParallelSpec& p = job.parallel;
  if (model.moe && p.expert > 1) add_expert_labels(job, profile);
  if (p.tensor > 1) {
    fixed_.tensor_gather = add("tensor gather", find(profile, "all_gather"), kTensorQueue);
    fixed_.tensor_scatter = add("tensor scatter", find(profile, "reduce_scatter"), kTensorQueue);
  }
  if (p.context > 1) {
    const bool ring = p.context_exchange == spec::ContextExchange::ring;
    const spec::CollectiveCurve& forward = find(profile, ring ? "point_to_point" : "all_gather");
    const spec::CollectiveCurve& backward =
        find(profile, ring ? "point_to_point" : "reduce_scatter");
    fixed_.context_forward = add("context", forward, kTensorQueue);
    fixed_.context_backward = add("context backward", backward, kTensorQueue);
  }
  if (model.moe && p.expert_tensor > 1) {
    fixed_.expert_tensor_gather = add("expert gather", find(profile, "all_gather"), kTensorQueue);
    fixed_.expert_tensor_scatter =
        add("expert scatter", find(profile, "reduce_scatter"), kTensorQueue);
  }
  const spec::CollectiveCurve& message =
      find_or_nothing(sends_messages(job), profile, "point_to_point");
  for (int chunk = 0; chunk < shape.chunks; ++chunk) {
    forward_.push_back(add("pipeline forward", message, kExpertQueue, true));
    backward_.push_back(add("pipeline backward", message, kExpertQueue, true));
  }
  add_data_labels(job, model, profile);
}

void JobLabels::add_data_labels(const spec::JobSpec& job, const spec::ModelSpec& model,
                                const spec::ProfileSpec& profile) {
  const spec::CollectiveCurve& ring = find_or_nothing(has_replicas(job, model), profile, "ring");
  const spec::CollectiveCurve& message =
      find_or_nothing(sends_messages(job), profile, "point_to_point");
  fixed_.gradient_node = add("gradients, in the node", ring, kDataQueue);
  fixed_.gradient_rail = add("gradients, over the rails", ring, kDataQueue);
  if (model.moe) fixed_.expert_gradient = add("expert gradients", ring, kDataQueue);
  if (shares_embedding(job, model)) {
    fixed_.embedding_gradient = add("shared embedding gradients", message, kDataQueue);
  }
  fixed_.gradient_norm = add("gradient norm", message, kDataQueue);
  fixed_.parameter_rail = add("parameters, over the rails", ring, kDataQueue);
  fixed_.parameter_node = add("parameters, in the node", ring, kDataQueue);
  if (model.moe) fixed_.expert_parameter = add("expert parameters", ring, kDataQueue);
}

void JobLabels::add_expert_labels(const spec::JobSpec& job, const spec::ProfileSpec& profile) {
  const int layers = shape_.by_layer ? shape_.most_layers : 1;
  const int chunks = shape_.by_layer ? shape_.chunks : 1;
  for (const Setting setting : {Setting::alone, Setting::paired}) {
    if (setting == Setting::paired && !shape_.has_pairs) continue;
    for (int i = 0; i < chunks * layers; ++i) {
      ExpertLabels labels{};
      for (std::size_t kind = 0; kind < labels.size(); ++kind) {
        const spec::CollectiveCurve& curve =
            uses_nccl(job) ? find(profile, "all_to_all")
                           : find_exchange(profile, kExchanges[kind], setting);
        labels[kind] = add(kExchanges[kind].name, curve, kExpertQueue);
        const spec::Beside beside =
            setting == Setting::paired ? spec::Beside::compute : spec::Beside::alone;
        if (curve.beside != beside) labels_.back().evidence = spec::Evidence::estimated;
      }
      expert_.push_back(labels);
    }
  }
}

int JobLabels::add(const std::string& name, const spec::CollectiveCurve& curve, int queue,
                   bool is_message) {
  labels_.push_back({.name = name,
                     .collective = curve.id,
                     .evidence = curve.evidence,
                     .is_message = is_message,
                     .queue = queue});
  curves_.push_back(&curve);
  return static_cast<int>(labels_.size()) - 1;
}

const ExpertLabels& JobLabels::expert(MoePosition position, Setting setting) const {
  if (!shape_.by_layer) return expert_[static_cast<std::size_t>(setting)];
  const int index =
      (static_cast<int>(setting) * shape_.chunks + position.chunk) * shape_.most_layers +
      position.layer;
  return expert_[static_cast<std::size_t>(index)];
}

int JobLabels::load(MoePosition position) const {
  return shape_.by_layer ? position.chunk * shape_.most_layers + position.layer : -1;
}

}  // namespace planewise::workload
