// Programs that read what planewise writes, as tests run them.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <string>

namespace planewise::test {

struct Ran {
  int exit_code = -1;
  std::string output{};  ///< What it printed, on stderr too.
};

/// Runs a line of shell, at most ten seconds. Programs of administrators are found too.
inline Ran run(const std::string& line) {
  const std::string command = "PATH=$PATH:/usr/sbin timeout 10 sh -c '" + line + "' 2>&1";
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return {.output = "popen failed: " + command};
  Ran ran;
  char buffer[4096];
  for (std::size_t size = 0; (size = fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
    ran.output.append(buffer, size);
  }
  const int status = pclose(pipe);
  ran.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ran;
}

/// Fails, naming the Debian package, if `program` is not installed.
inline void need(const std::string& program, const std::string& package) {
  ASSERT_EQ(run("command -v " + program).exit_code, 0)
      << "no program " << program << "; install the package " << package
      << " (tools/setup.sh test)";
}

/// Lines that start so.
inline std::int64_t count_lines(const std::string& text, const std::string& start) {
  std::int64_t lines = text.starts_with(start) ? 1 : 0;
  for (std::size_t at = 0; (at = text.find("\n" + start, at)) != std::string::npos; ++at) ++lines;
  return lines;
}

}  // namespace planewise::test
