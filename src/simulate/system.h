// A program on a fabric: its transfers with their routes, ready to be driven. Symmetric systems
// shrink.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/units.h"
#include "fabric/router.h"
#include "workload/placement.h"
#include "workload/program.h"

namespace planewise::simulate {

/// A flow of one transfer. In a reduced system it stands for a class of equal flows. There can be
/// millions, so it holds no more than it must.
struct SystemFlow {
  int source = 0;  ///< Rank (or class of ranks).
  int destination = 0;
  Bytes size{};       ///< Of each member.
  Seconds latency{};  ///< Software and hops, before the first byte.
  int weight = 1;
  std::int32_t path_begin = 0;  ///< Into System::paths.
  std::int32_t path_length = 0;
  std::int16_t queue_pair = 0;  ///< Of its transfer between the two ranks.
};
static_assert(sizeof(SystemFlow) <= 40);

/// FlowKey::queue of a queue pair: what the route of a flow of `label` hangs on.
std::uint64_t queue_of(int label, int queue_pair);

/// How fast a transfer could be, from what its links must carry; see contention.h.
struct TransferBound {
  Seconds alone{};     ///< On a fabric that carries nothing else.
  Seconds together{};  ///< Beside all other transfers of its label, all at once.
  std::optional<fabric::LinkKind> alone_by{};  ///< The link that takes longest; none if none does.
  std::optional<fabric::LinkKind> together_by{};
};

struct SystemTransfer {
  int label = 0;
  std::vector<int> members{};   ///< As workload::Transfer; classes of ranks in a reduced system.
  std::int32_t flow_begin = 0;  ///< Into System::flows.
  std::int32_t flow_end = 0;
  Seconds tail{};
  std::int64_t count = 1;  ///< Transfers of the job that it stands for.
  TransferBound bound{};   ///< Only if asked for.
};

struct SystemLink {
  Rate capacity{};
  fabric::LinkKind kind = fabric::LinkKind::nvlink_up;
  std::int32_t router_link = 0;  ///< For its name; a representative in a reduced system.
  std::int64_t count = 1;        ///< Links of the fabric that it stands for.
};

/// Ranks, transfers, flows and links by index. `program` is what the ranks run.
struct System {
  const workload::Program* program = nullptr;
  std::uint64_t seed = 1;      ///< Of the sizes that flows draw; a reduced system draws none.
  std::vector<int> rank_of{};  ///< The job's rank (a representative in a reduced system).
  std::vector<std::int64_t> rank_weight{};  ///< Ranks that each stands for.
  std::vector<int> class_of{};  ///< Of each of the job's ranks, the rank here that stands for it.
  std::vector<SystemTransfer> transfers{};
  std::vector<SystemFlow> flows{};
  std::vector<std::int64_t> flow_counts{};  ///< What each stands for; none: each for itself.
  std::vector<std::int32_t> paths{};        ///< Links, flow after flow.
  std::vector<SystemLink> links{};

  int rank_count() const { return static_cast<int>(rank_of.size()); }
  std::span<const std::int32_t> path(const SystemFlow& flow) const {
    return std::span(paths).subspan(static_cast<std::size_t>(flow.path_begin),
                                    static_cast<std::size_t>(flow.path_length));
  }
  /// How many flows of the job a flow stands for.
  std::int64_t flow_count(int flow) const {
    return flow_counts.empty() ? 1 : flow_counts[static_cast<std::size_t>(flow)];
  }
};

/// [label] The first label of the same name, which stands for all of them in a report.
std::vector<int> first_of_name(const workload::Program& program);

struct SystemOptions {
  std::uint64_t seed = 1;
  int queue_pairs = 1;  ///< Equal parts with a route each, of every flow between nodes.
  /// Keep all links of the router, numbered as there, and each part of a flow by itself: paths are
  /// first choices, and another may be chosen when a flow starts.
  bool routes_at_start = false;
};

/// Routes every flow of `program` over the fabric; nothing is reduced. Only links that carry flows
/// are kept, and parts of a flow on one path are one flow with their number as its weight.
System make_system(const workload::Program& program, const workload::Placement& placement,
                   const fabric::Router& router, const SystemOptions& options);

}  // namespace planewise::simulate
