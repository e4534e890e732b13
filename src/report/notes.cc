#include "report/notes.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "print/table.h"

namespace planewise::report {

namespace {

std::string parallel_text(const spec::ParallelSpec& p) {
  std::string text;
  const auto add = [&](const char* name, int ranks) {
    if (ranks > 1) text += fmt::format("{}{}{}", text.empty() ? "" : " ", name, ranks);
  };
  add("TP", p.tensor);
  add("CP", p.context);
  add("PP", p.pipeline);
  add("VPP", p.virtual_stages);
  add("EP", p.expert);
  add("ETP", p.expert_tensor);
  add("DP", p.data);
  return text.empty() ? "one rank" : text;
}

const char* schedule_text(spec::Schedule schedule) {
  switch (schedule) {
    case spec::Schedule::gpipe:
      return "GPipe";
    case spec::Schedule::one_f_one_b:
      return "1F1B";
    case spec::Schedule::interleaved_one_f_one_b:
      return "interleaved 1F1B";
    case spec::Schedule::zb1p:
      return "ZB1P";
    case spec::Schedule::dualpipe:
      return "DualPipe";
  }
  return "";
}

const char* precision_text(spec::Precision precision) {
  switch (precision) {
    case spec::Precision::bf16:
      return "BF16";
    case spec::Precision::fp8_blockwise:
      return "FP8 blockwise";
    case spec::Precision::fp8_tensorwise:
      return "FP8 tensorwise";
    case spec::Precision::mxfp8:
      return "MXFP8";
    case spec::Precision::int4:
      return "4-bit weights";
  }
  return "";
}

const char* recomputation_text(spec::Recomputation recomputation) {
  switch (recomputation) {
    case spec::Recomputation::none:
      return "nothing computed again";
    case spec::Recomputation::selective:
      return "norms, activations and MLA up-projections computed again";
    case spec::Recomputation::full:
      return "every layer's forward computed again";
  }
  return "";
}

std::string tokens_text(const spec::MoeRoutingSpec& routing) {
  switch (routing.tokens) {
    case spec::TokenRouting::balanced:
      return "balanced tokens";
    case spec::TokenRouting::random:
      return fmt::format("random tokens, experts' popularity spread by {}",
                         percent(routing.popularity_spread));
    case spec::TokenRouting::zipf:
      return fmt::format("tokens by Zipf's law, exponent {:g}", routing.zipf_exponent);
    case spec::TokenRouting::counts:
      return fmt::format("tokens as counted in {}", routing.counts_path);
  }
  return "";
}

std::string expert_note(const spec::JobSpec& job) {
  const bool by_nodes = job.routing.transport == spec::TokenTransport::node_limited;
  return fmt::format("dispatch and combine over EP{}, {}, as flows on rails and NVLink; {}",
                     job.parallel.expert,
                     by_nodes ? fmt::format("at most {} nodes a token", job.routing.nodes_per_token)
                              : std::string("one copy an expert"),
                     tokens_text(job.routing));
}

std::string data_note(const spec::JobSpec& job) {
  const bool replicates = job.optimizer.sharding == spec::Sharding::none;
  if (job.optimizer.sharding == spec::Sharding::fsdp) {
    return "parameter all-gather and gradient reduce-scatter (FSDP) beside computation, layer by "
           "layer, norm and AdamW update";
  }
  const spec::OverlapSpec& overlap = job.overlap;
  const char* overlapped = overlap.gradients && overlap.parameters
                               ? "both beside computation, layer by layer"
                           : overlap.gradients  ? "gradients beside the last backwards"
                           : overlap.parameters ? "parameters beside the first forwards"
                                                : "not overlapped";
  if (replicates) return fmt::format("gradient all-reduce, norm and AdamW update, {}", overlapped);
  return fmt::format(
      "gradient reduce-scatter, norm, AdamW update and parameter all-gather (ZeRO-1), {}",
      overlapped);
}

}  // namespace

std::vector<std::string> simulated_notes(const spec::JobSpec& job, const spec::ModelSpec& model) {
  const spec::ParallelSpec& p = job.parallel;
  std::vector<std::string> notes = {
      fmt::format("one training step of {}: {}, {} over {} micro-batches of {} tokens", model.name,
                  parallel_text(p), schedule_text(job.schedule), grouped(job.batch.micro_batches),
                  grouped(job.batch.tokens_per_micro_batch())),
      fmt::format("every operator of attention, {} layers, embedding, head{} by the "
                  "profile's curves; {}, {}",
                  model.moe ? "MoE and dense" : "dense",
                  model.mtp_depth > 0 ? " and MTP module" : "", precision_text(job.precision),
                  recomputation_text(job.recomputation)),
  };
  if (model.moe && p.expert > 1) notes.push_back(expert_note(job));
  if (job.schedule == spec::Schedule::dualpipe) {
    notes.push_back(
        fmt::format("inside a pair, compute beside the expert exchanges of the other "
                    "direction, operator by operator; {} SMs carry communication",
                    job.overlap.communication_sms));
  }
  notes.push_back(data_note(job));
  return notes;
}

std::string memory_note(const JobMemory& memory) {
  const std::size_t rank = memory.fullest();
  const model::Memory& held = memory.by_pipeline[rank];
  const Bytes gigabyte = bytes(1e9);
  return fmt::format(
      "memory{}: pipeline rank {} needs {} of {} GB, {} of them {}; an upper bound in closed form, "
      "with balanced tokens",
      held.fits ? "" : " DOES NOT FIT", rank, fixed(held.total().in(gigabyte), 1),
      fixed(memory.gpu_memory.in(gigabyte), 1), fixed(held.use(held.largest).in(gigabyte), 1),
      model::kMemoryUseWords[static_cast<std::size_t>(held.largest)]);
}

std::vector<std::string> left_out_notes(const spec::JobSpec& job,
                                        const spec::ProfileSpec& profile) {
  std::vector<std::string> notes;
  if (job.schedule != spec::Schedule::dualpipe && job.parallel.expert > 1) {
    notes.push_back(
        "overlap of compute with dispatch and combine: a rank does one or the other under this "
        "schedule");
  }
  notes.push_back(
      "SMs that communication takes outside overlapped pairs: pipeline sends and data-parallel "
      "exchanges run beside compute at no cost to it");
  if (!job.has_routing) {
    notes.push_back("ranks that differ in speed");
  } else if (job.routing.tokens == spec::TokenRouting::balanced) {
    notes.push_back("imbalance: tokens are balanced over experts, ranks do not differ in speed");
  } else {
    notes.push_back("ranks that differ in speed, and tokens that change between micro-batches");
  }
  notes.push_back("data loading, checkpoints, failures; the length of cables");
  for (const spec::OperatorCurve& curve : profile.operators) {
    if (curve.beside == spec::Beside::alone && curve.sms == profile.gpu.sms) continue;
    notes.push_back(
        "operators that the profile does not have in the place where they run are used as they "
        "are, and count as estimates");
    break;
  }
  return notes;
}

namespace {

std::string step_note(const spec::TrafficSpec& traffic, const spec::TrafficStep& step) {
  if (step.is_compute) {
    return fmt::format("{}: {} us", step.name, fixed(step.compute.in(microseconds(1)), 3));
  }
  const bool has_algorithm = step.collective != spec::Collective::send;
  std::string note = fmt::format(
      "{}: {}{}{}, {} {} of {} ranks{}, {} B", step.name, spec::collective_word(step.collective),
      has_algorithm ? " " : "", has_algorithm ? spec::algorithm_word(step.algorithm) : "",
      grouped(traffic.ranks / step.group), traffic.ranks == step.group ? "group" : "groups",
      grouped(step.group), step.layout == spec::GroupLayout::spread ? " spread by nodes" : "",
      fixed(step.size.in(bytes(1)), 0));
  if (step.nvlink_size > Bytes{}) {
    note += fmt::format(" a rail and {} B by NVLink", fixed(step.nvlink_size.in(bytes(1)), 0));
  }
  if (step.chunks > 1) note += fmt::format(" in {} chunks", grouped(step.chunks));
  return note;
}

}  // namespace

std::vector<std::string> simulated_notes(const spec::TrafficSpec& traffic,
                                         const spec::ProfileSpec* profile) {
  std::vector<std::string> notes;
  if (traffic.matrix) {
    return {fmt::format("{} flows of a connection matrix of {} hosts, host i on GPU i; {} triggers",
                        grouped(static_cast<std::int64_t>(traffic.matrix->flows.size())),
                        grouped(traffic.ranks),
                        grouped(static_cast<std::int64_t>(traffic.matrix->triggers.size())))};
  }
  notes.push_back(
      fmt::format("{} ranks, rank i on GPU i; {} {}, {}", grouped(traffic.ranks),
                  traffic.steps.size(), traffic.steps.size() == 1 ? "step" : "steps",
                  traffic.repeat == 1 ? "once" : grouped(traffic.repeat) + " times in a row"));
  constexpr std::size_t kMostSteps = 12;  // A list that is still read.
  for (std::size_t i = 0; i < std::min(kMostSteps, traffic.steps.size()); ++i) {
    notes.push_back(step_note(traffic, traffic.steps[i]));
  }
  if (traffic.steps.size() > kMostSteps) {
    notes.push_back(fmt::format("and {} steps more", traffic.steps.size() - kMostSteps));
  }
  if (profile != nullptr) {
    notes.push_back(fmt::format("software latency and efficiency of links by {}", profile->name));
  }
  return notes;
}

std::vector<std::string> left_out_notes(const spec::TrafficSpec& traffic,
                                        const spec::ProfileSpec* profile) {
  std::vector<std::string> notes;
  if (profile == nullptr) {
    notes.push_back(
        "software latency; packet headers and anything else that keeps payload below "
        "a link's rate (there is no profile)");
  }
  notes.push_back("losses, retransmissions, congestion control: flows share links max-min fairly");
  if (traffic.matrix) {
    notes.push_back("priorities (prio) of the connection matrix");
  } else {
    notes.push_back("adding up in reductions, and the memory that buffers take");
  }
  return notes;
}

std::string size_spread_note(double size_spread) {
  return fmt::format(
      "the size of each flow is drawn anew whenever it starts, uniform within +-{} of what it is",
      percent(size_spread));
}

std::string time_tolerance_note(double time_tolerance) {
  return fmt::format(
      "not exact: flows that end within {:g} of the time elapsed end together; an estimate of the "
      "error of a time is {:g} of it",
      time_tolerance, simulate::kTimeErrorFactor * time_tolerance);
}

std::string symmetry_note(const std::string& fabric, const simulate::Result& result) {
  const simulate::Symmetry& s = result.symmetry;
  if (result.routes_at_start) {
    return fmt::format(
        "{}: none used, routes are chosen when flows start; {} ranks, {} flows, {} "
        "links",
        fabric, grouped(s.ranks), grouped(s.flows), grouped(s.links));
  }
  if (result.uneven_loads) {
    return fmt::format(
        "{}: none used, ranks receive different numbers of tokens; {} ranks, {} flows, {} links",
        fabric, grouped(s.ranks), grouped(s.flows), grouped(s.links));
  }
  if (s.rank_classes == s.ranks && s.flow_classes == s.flows) {
    return fmt::format("{}: none used; {} ranks, {} flows, {} links", fabric, grouped(s.ranks),
                       grouped(s.flows), grouped(s.links));
  }
  return fmt::format("{}: {} ranks driven by {} classes, {} flows by {}, {} links by {} (exact)",
                     fabric, grouped(s.ranks), grouped(s.rank_classes), grouped(s.flows),
                     grouped(s.flow_classes), grouped(s.links), grouped(s.link_classes));
}

std::vector<std::string> route_left_out_notes(const Report& report) {
  const auto has_faults = [](const RunReport& run) { return run.result.faults.has_value(); };
  if (std::none_of(report.runs.begin(), report.runs.end(), has_faults)) return {};
  std::vector<std::string> notes = {
      "faults of anything but the fabric, and in any step but this one; packets lost and sent "
      "again; "
      "restarts from a checkpoint",
      "the further hops of a detour: a flow keeps the latency of its first choice, and the GPUs "
      "that "
      "forward it do so for nothing"};
  const auto sprays = [](const FabricReport& f) {
    return f.fabric.topology.fabric.routing == spec::Routing::spray;
  };
  if (std::any_of(report.fabrics.begin(), report.fabrics.end(), sprays)) {
    notes.push_back(
        "under spray, what links a fault leaves useless beyond themselves: flows are spread evenly "
        "over all links of a trunk that work");
  }
  return notes;
}

std::vector<std::string> cost_left_out_notes(const Report& report) {
  const auto any = [&](const auto& holds) {
    return std::any_of(report.fabrics.begin(), report.fabrics.end(), holds);
  };
  const bool by_parts = any([](const FabricReport& f) { return f.bill && f.bill->by_parts; });
  const bool by_roles = any([](const FabricReport& f) { return !f.bill || !f.bill->by_parts; });
  std::vector<std::string> notes;
  if (by_roles) {
    notes.push_back(fmt::format(
        "{}servers, GPUs and NICs; installation, spares, maintenance, energy; management and "
        "storage networks",
        by_parts ? "where priced by roles: " : ""));
  }
  if (by_parts) {
    notes.push_back(
        fmt::format("{}servers and GPUs, building, cables of the management network; "
                    "storage and management networks unless the topology has them",
                    by_roles ? "where priced by parts: " : ""));
  }
  for (const FabricReport& fabric : report.fabrics) {
    const spec::TopologySpec& topology = fabric.fabric.topology;
    if (topology.fabric.as_printed) {
      notes.push_back(fmt::format("{}: counts as printed in a table; no graph, no cables, no paths",
                                  topology.name));
    }
    if (fabric.bill && fabric.bill->cages_short > 0) {
      notes.push_back(
          fmt::format("{}: links of several types take {} cages more than the switches "
                      "have; allow fewer types of parts ('links')",
                      topology.name, grouped(fabric.bill->cages_short)));
    }
  }
  return notes;
}

const char* size_unit(workload::SizeKind kind) {
  switch (kind) {
    case workload::SizeKind::rows:
      return "rows a group";
    case workload::SizeKind::sequence:
      return "tokens of a sequence";
    case workload::SizeKind::traffic:
      return "bytes";
  }
  PW_UNREACHABLE("SizeKind has three values");
}

namespace {

/// `64` or `64 to 96`; bytes in MB.
std::string sizes_text(const spec::ValidRange& sizes, workload::SizeKind kind) {
  const auto text = [&](double size) {
    return kind == workload::SizeKind::traffic ? fmt::format("{:.4g}", size / 1e6)
                                               : grouped(static_cast<std::int64_t>(size));
  };
  if (sizes.least == sizes.most) return text(sizes.least);
  return fmt::format("{} to {}", text(sizes.least), text(sizes.most));
}

}  // namespace

std::vector<std::string> extrapolation_notes(const std::vector<ExtrapolatedPart>& parts) {
  constexpr std::size_t kMostLines = 4;  // A list that is still read.
  std::vector<std::string> notes;
  double rest = 0;
  for (const ExtrapolatedPart& part : parts) {
    if (notes.size() == kMostLines) {
      rest += part.compute_share;
      continue;
    }
    const char* unit = part.kind == workload::SizeKind::traffic ? "MB" : size_unit(part.kind);
    notes.push_back(fmt::format("extrapolated: {} at {} {} (measured {}), {} of compute", part.id,
                                sizes_text(part.asked, part.kind), unit,
                                sizes_text(part.valid, part.kind), percent(part.compute_share)));
  }
  if (parts.size() > kMostLines) {
    notes.push_back(fmt::format("extrapolated: {} operators more, {} of compute",
                                parts.size() - kMostLines, percent(rest)));
  }
  return notes;
}

std::vector<std::string> proxy_notes(const spec::ProfileSpec& profile,
                                     const std::vector<std::string>& operators) {
  std::vector<std::string> notes;
  for (const std::string& id : operators) {
    const auto proxy = std::find_if(
        profile.operators.begin(), profile.operators.end(),
        [&](const spec::OperatorCurve& curve) { return curve.id == id && !curve.proxy.empty(); });
    if (proxy == profile.operators.end()) continue;
    notes.push_back(fmt::format("proxy: {} is timed as '{}'", id, proxy->proxy));
  }
  return notes;
}

}  // namespace planewise::report
