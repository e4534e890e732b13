// Who may write in a run's folder, and that no old file is lost.
#include "calibration/measure/run_folder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "calibration/raw/raw_file.h"
#include "spec/temporary_folder.h"

namespace planewise::calibration {
namespace {

std::string content_of(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

EnvironmentRecord machine(const std::string& driver) {
  EnvironmentRecord record{.environment = {.backend = "cuda",
                                           .gpu = "NVIDIA H200",
                                           .gpu_id = "0123456789ab",
                                           .compute_capability = "9.0",
                                           .sms = 132,
                                           .driver = driver,
                                           .compiler = "nvcc 13.0",
                                           .tool = "a tool"},
                           .created = "2026-11-25T05:11:20Z",
                           .model = "DeepSeek-V3"};
  record.fingerprint = fingerprint(record.environment);
  return record;
}

/// The messages with which a file is refused, one a line; empty if it is not.
std::string refusal(const std::string& path, const EnvironmentRecord& now) {
  std::string messages;
  try {
    resumable_file(path, now);
  } catch (const spec::InputError& error) {
    for (const spec::Diagnostic& diagnostic : error.diagnostics()) {
      messages += diagnostic.message + "\n";
    }
  }
  return messages;
}

TEST(FolderLock, HoldsAFolderForOne) {
  const test::TemporaryFolder folder;
  const std::string path = folder.path("new/deep");
  {
    const FolderLock lock(path);
    EXPECT_TRUE(std::filesystem::is_directory(path));
    EXPECT_THROW(FolderLock second(path), spec::InputError);
  }
  EXPECT_NO_THROW(FolderLock again(path));
}

TEST(FolderLock, NeedsAFolder) {
  const test::TemporaryFolder folder;
  const std::string file = folder.write("file", "text");
  EXPECT_THROW(FolderLock lock(file), std::system_error);
}

TEST(MoveAside, NumbersOn) {
  const test::TemporaryFolder folder;
  const std::string path = folder.write("raw.jsonl", "first");
  EXPECT_EQ(move_aside(path), path + ".1");
  folder.write("raw.jsonl", "second");
  EXPECT_EQ(move_aside(path), path + ".2");
  EXPECT_EQ(content_of(path + ".1"), "first");
  EXPECT_EQ(content_of(path + ".2"), "second");
  EXPECT_EQ(move_aside(path), "");
}

TEST(ResumableFile, IsOfTheSameMachineAndModel) {
  const test::TemporaryFolder folder;
  const EnvironmentRecord now = machine("580.65");
  EXPECT_FALSE(resumable_file(folder.path("none"), now).has_value());
  EXPECT_FALSE(resumable_file(folder.write("empty", ""), now).has_value());
  const std::string path = folder.write("raw.jsonl", to_line(now));
  EXPECT_TRUE(resumable_file(path, now).has_value());

  EnvironmentRecord newer_tool = now;
  newer_tool.environment.tool = "a newer tool";
  EXPECT_EQ(refusal(path, newer_tool), "");
}

TEST(ResumableFile, NamesWhatDiffers) {
  const test::TemporaryFolder folder;
  const std::string path = folder.write("raw.jsonl", to_line(machine("570.86")));
  EXPECT_EQ(refusal(path, machine("580.65")),
            "points of another machine or model cannot be mixed; driver: was '570.86', is "
            "'580.65'\n");
  EnvironmentRecord other_model = machine("570.86");
  other_model.model = "DeepSeek-V2";
  EXPECT_EQ(refusal(path, other_model),
            "points of another machine or model cannot be mixed; model: was 'DeepSeek-V3', is "
            "'DeepSeek-V2'\n");
}

}  // namespace
}  // namespace planewise::calibration
