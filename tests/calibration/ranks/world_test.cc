// Who a rank is, from what each launcher sets. The variables are those that the launchers document;
// program_test.cc starts ranks under a real Open MPI.
#include "calibration/launch/world.h"

#include <gtest/gtest.h>

namespace planewise::calibration {
namespace {

World world_of(const Variables& variables) {
  const auto found = discover_world(variables);
  EXPECT_TRUE(std::holds_alternative<World>(found)) << std::get<LaunchProblem>(found).message;
  return std::holds_alternative<World>(found) ? std::get<World>(found) : World{};
}

std::string problem_of(const Variables& variables) {
  const auto found = discover_world(variables);
  const auto* problem = std::get_if<LaunchProblem>(&found);
  return problem == nullptr ? "" : problem->message;
}

TEST(World, IsOneRankWithoutALauncher) {
  const World world = world_of({{"PATH", "/bin"}});
  EXPECT_EQ(world.size, 1);
  EXPECT_EQ(world.launcher, "single");
}

TEST(World, LeavesMasterPortToTorchrun) {
  const World world = world_of({{"RANK", "9"},
                                {"WORLD_SIZE", "16"},
                                {"LOCAL_RANK", "1"},
                                {"LOCAL_WORLD_SIZE", "8"},
                                {"MASTER_ADDR", "gpu003"},
                                {"MASTER_PORT", "29400"}});
  EXPECT_EQ(world.launcher, "torchrun");
  EXPECT_EQ(world.rank, 9);
  EXPECT_EQ(world.size, 16);
  EXPECT_EQ(world.local_rank, 1);
  EXPECT_EQ(world.address, "gpu003");
  EXPECT_EQ(world.port, 29411);  // 29400 + 11
}

TEST(World, RefusesRankWithoutLocalRank) {
  // DeepEP's tests count nodes in the same two variables.
  EXPECT_NE(problem_of({{"RANK", "0"}, {"WORLD_SIZE", "2"}}).find("LOCAL_RANK is not"),
            std::string::npos);
}

TEST(World, FindsTheFirstHostOfSlurm) {
  const World world = world_of({{"SLURM_PROCID", "12"},
                                {"SLURM_NTASKS", "16"},
                                {"SLURM_LOCALID", "4"},
                                {"SLURM_STEP_ID", "0"},
                                {"SLURM_JOB_ID", "4711"},
                                {"SLURM_STEP_TASKS_PER_NODE", "8(x2)"},
                                {"SLURM_STEP_NODELIST", "gpu[003-004]"}});
  EXPECT_EQ(world.launcher, "slurm");
  EXPECT_EQ(world.rank, 12);
  EXPECT_EQ(world.local_rank, 4);
  EXPECT_EQ(world.local_size, 8);
  EXPECT_EQ(world.address, "gpu003");
}

TEST(World, TakesABatchScriptOfSlurmForOneRank) {
  EXPECT_EQ(world_of({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "16"}}).size, 1);
}

TEST(World, TakesPortsByTheJob) {
  Variables first = {{"OMPI_COMM_WORLD_RANK", "0"},
                     {"OMPI_COMM_WORLD_SIZE", "2"},
                     {"OMPI_COMM_WORLD_LOCAL_RANK", "0"},
                     {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"},
                     {"PMIX_NAMESPACE", "1"}};
  Variables second = first;
  second["OMPI_COMM_WORLD_RANK"] = "1";
  EXPECT_EQ(world_of(first).port, world_of(second).port);
  second["PMIX_NAMESPACE"] = "2";
  EXPECT_NE(world_of(first).port, world_of(second).port);
  second["PLANEWISE_PORT"] = "4000";
  EXPECT_EQ(world_of(second).port, 4000);
}

TEST(World, AsksForTheHostThatOpenMpiDoesNotTell) {
  Variables variables = {{"OMPI_COMM_WORLD_RANK", "0"},
                         {"OMPI_COMM_WORLD_SIZE", "16"},
                         {"OMPI_COMM_WORLD_LOCAL_RANK", "0"},
                         {"OMPI_COMM_WORLD_LOCAL_SIZE", "8"}};
  EXPECT_NE(problem_of(variables).find("does not say where rank 0 is"), std::string::npos);
  variables["MASTER_ADDR"] = "gpu001";
  EXPECT_EQ(world_of(variables).address, "gpu001");
}

TEST(World, ReadsPmi) {
  const World world = world_of(
      {{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}, {"MPI_LOCALRANKID", "1"}, {"MPI_LOCALNRANKS", "2"}});
  EXPECT_EQ(world.launcher, "pmi");
  EXPECT_EQ(world.local_rank, 1);
}

TEST(World, RefusesWhatIsNoNumber) {
  EXPECT_EQ(problem_of({{"RANK", "x"}, {"WORLD_SIZE", "2"}, {"LOCAL_RANK", "0"}}),
            "RANK is 'x', not a whole number from 0 on");
  EXPECT_EQ(problem_of({{"RANK", "2"}, {"WORLD_SIZE", "2"}, {"LOCAL_RANK", "0"}}),
            "torchrun says rank 2 of 2");
}

TEST(FirstHost, ReadsSlurmsLists) {
  EXPECT_EQ(first_host("gpu[003-006,9],x1"), "gpu003");
  EXPECT_EQ(first_host("gpu[7]"), "gpu7");
  EXPECT_EQ(first_host("a,b"), "a");
  EXPECT_EQ(first_host("only"), "only");
  EXPECT_EQ(first_host("rack[1-2]-gpu,other"), "rack1-gpu");
}

}  // namespace
}  // namespace planewise::calibration
