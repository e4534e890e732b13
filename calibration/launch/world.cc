#include "calibration/launch/world.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/text.h"
#include "base/unit_text.h"

namespace planewise::calibration {
namespace {

/// What a torchrun's own store leaves free: it holds MASTER_PORT itself.
constexpr int kAboveMasterPort = 11;
constexpr int kTorchPort = 29500;  // torchrun's default
constexpr int kFirstPort = 20000;
constexpr int kPortCount = 12000;  // below the ports that Linux hands out by itself, from 32768

class Reader {
 public:
  explicit Reader(const Variables& variables) : variables_(variables) {}

  bool has(const std::string& name) const { return !text(name).empty(); }
  std::string text(const std::string& name) const {
    const auto found = variables_.find(name);
    return found == variables_.end() ? "" : found->second;
  }
  /// `otherwise` if there is none; a text that is no number from `least` on is a problem.
  int number(const std::string& name, int least, int otherwise) {
    const std::string value = text(name);
    if (value.empty()) return otherwise;
    double number = -1;
    constexpr double kMost = 10'000'000;
    const bool is_whole = parse_number(value, number) && number == static_cast<int>(number);
    if (is_whole && number >= least && number <= kMost) return static_cast<int>(number);
    if (!problem_) {
      problem_ = LaunchProblem{
          fmt::format("{} is {}, not a whole number from {} on", name, in_quotes(value), least),
          "let the launcher set it, or unset it"};
    }
    return otherwise;
  }
  const std::optional<LaunchProblem>& problem() const { return problem_; }

 private:
  const Variables& variables_;
  std::optional<LaunchProblem> problem_{};
};

/// A port that all ranks of a job come to, and other jobs on the same host most likely not.
int port_of(const std::string& job) {
  std::uint32_t hash = 2166136261U;  // FNV-1a
  for (const char c : job) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return kFirstPort + static_cast<int>(hash % kPortCount);
}

World spawned(Reader& reader) {
  World world{.launcher = "spawn"};
  world.rank = reader.number("PLANEWISE_RANK", 0, 0);
  world.size = reader.number("PLANEWISE_RANKS", 1, 1);
  world.local_rank = reader.number("PLANEWISE_LOCAL_RANK", 0, world.rank);
  world.local_size = reader.number("PLANEWISE_LOCAL_RANKS", 1, world.size);
  world.job = reader.text("PLANEWISE_JOB");
  return world;
}

World of_torchrun(Reader& reader) {
  World world{.launcher = "torchrun"};
  world.rank = reader.number("RANK", 0, 0);
  world.size = reader.number("WORLD_SIZE", 1, 1);
  world.local_rank = reader.number("LOCAL_RANK", 0, 0);
  world.local_size = reader.number("LOCAL_WORLD_SIZE", 1, 0);
  world.port = reader.number("MASTER_PORT", 1, kTorchPort) + kAboveMasterPort;
  world.job = "torchrun " + reader.text("TORCHELASTIC_RUN_ID");
  return world;
}

World of_open_mpi(Reader& reader) {
  World world{.launcher = "openmpi"};
  world.rank = reader.number("OMPI_COMM_WORLD_RANK", 0, 0);
  world.size = reader.number("OMPI_COMM_WORLD_SIZE", 1, 1);
  world.local_rank = reader.number("OMPI_COMM_WORLD_LOCAL_RANK", 0, 0);
  world.local_size = reader.number("OMPI_COMM_WORLD_LOCAL_SIZE", 1, 0);
  const std::string name = reader.text("PMIX_NAMESPACE");
  world.job = "openmpi " + (name.empty() ? reader.text("OMPI_MCA_ess_base_jobid") : name);
  return world;
}

/// `8(x2),4` -> 8 of the first node; of unequal nodes nothing is known.
int tasks_per_node(const std::string& text) {
  double number = 0;
  const bool is_one = text.find(',') == std::string::npos;
  return is_one && parse_number(text.substr(0, text.find('(')), number) ? static_cast<int>(number)
                                                                        : 0;
}

World of_slurm(Reader& reader) {
  World world{.launcher = "slurm"};
  world.rank = reader.number("SLURM_PROCID", 0, 0);
  world.size = reader.number("SLURM_STEP_NUM_TASKS", 1, reader.number("SLURM_NTASKS", 1, 1));
  world.local_rank = reader.number("SLURM_LOCALID", 0, 0);
  world.local_size = tasks_per_node(reader.text("SLURM_STEP_TASKS_PER_NODE"));
  const std::string nodes = reader.text("SLURM_STEP_NODELIST");
  if (!nodes.empty()) world.address = first_host(nodes);
  world.job = fmt::format("slurm {}.{}", reader.text("SLURM_JOB_ID"), reader.text("SLURM_STEP_ID"));
  return world;
}

World of_pmi(Reader& reader) {
  World world{.launcher = "pmi"};
  world.rank = reader.number("PMI_RANK", 0, 0);
  world.size = reader.number("PMI_SIZE", 1, 1);
  world.local_rank = reader.number("MPI_LOCALRANKID", 0, 0);
  world.local_size = reader.number("MPI_LOCALNRANKS", 1, 0);
  world.job = "pmi " + reader.text("PMI_ID") + reader.text("HYDI_CONTROL_FD");
  return world;
}

World of_launcher(Reader& reader) {
  if (reader.has("PLANEWISE_RANK")) return spawned(reader);
  if (reader.has("RANK") && reader.has("WORLD_SIZE")) return of_torchrun(reader);
  if (reader.has("OMPI_COMM_WORLD_RANK")) return of_open_mpi(reader);
  // A batch script has SLURM_PROCID, too; only what srun starts has a step and a task in it.
  if (reader.has("SLURM_PROCID") && reader.has("SLURM_STEP_ID")) return of_slurm(reader);
  if (reader.has("PMI_RANK") && reader.has("PMI_SIZE")) return of_pmi(reader);
  return {};
}

/// Where rank 0 is, in what the launcher or the user says.
void set_address(World& world, Reader& reader) {
  const std::string master = reader.text("MASTER_ADDR");
  const std::string asked = reader.text("PLANEWISE_ADDRESS");
  if (!master.empty()) world.address = master;
  if (!asked.empty()) world.address = asked;
  if (world.port == 0) world.port = port_of(world.job);
  world.port = reader.number("PLANEWISE_PORT", 1, world.port);
}

/// Ranks on several hosts, and no word of where rank 0 is.
bool is_lost(const World& world, const Reader& reader) {
  const bool is_named = reader.has("MASTER_ADDR") || reader.has("PLANEWISE_ADDRESS") ||
                        world.launcher == "slurm" || world.launcher == "spawn";
  return !is_named && world.local_size > 0 && world.local_size < world.size;
}

}  // namespace

Variables process_variables() {
  Variables variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

std::string first_host(const std::string& list) {
  const std::size_t bracket = list.find_first_of("[,");
  if (bracket == std::string::npos || list[bracket] == ',') return list.substr(0, bracket);
  const std::size_t end = list.find_first_of("-,]", bracket);
  const std::size_t close = list.find(']', bracket);
  std::string host = list.substr(0, bracket) + list.substr(bracket + 1, end - bracket - 1);
  if (close == std::string::npos) return host;
  const std::size_t next = list.find(',', close);
  return host + list.substr(close + 1, next == std::string::npos ? next : next - close - 1);
}

std::variant<World, LaunchProblem> discover_world(const Variables& variables) {
  Reader reader(variables);
  if (!reader.has("PLANEWISE_RANK") && reader.has("RANK") && reader.has("WORLD_SIZE") &&
      !reader.has("LOCAL_RANK")) {
    return LaunchProblem{
        "RANK and WORLD_SIZE are set and LOCAL_RANK is not: do they count processes (torchrun) or "
        "nodes (DeepEP's tests)?",
        "start it with torchrun, srun, mpirun or --spawn; or unset RANK and WORLD_SIZE"};
  }
  World world = of_launcher(reader);
  if (world.size > 1) set_address(world, reader);
  if (reader.problem()) return *reader.problem();
  if (world.rank >= world.size) {
    return LaunchProblem{
        fmt::format("{} says rank {} of {}", world.launcher, world.rank, world.size),
        "ranks count from 0"};
  }
  if (is_lost(world, reader)) {
    return LaunchProblem{
        fmt::format("{} ranks, {} of them on this host, and {} does not say where rank 0 is",
                    world.size, world.local_size, world.launcher),
        "mpirun -x MASTER_ADDR=HOST, the host of rank 0"};
  }
  return world;
}

}  // namespace planewise::calibration
