// planewise: runs the command line and turns what went wrong into an exit code.
#include <fmt/format.h>

#include <exception>

#include "spec/input_error.h"
#include "tools/commands.h"
#include "tools/progress.h"

namespace {

using namespace planewise;

int report_input_error(const spec::InputError& error) {
  for (const spec::Diagnostic& diagnostic : error.diagnostics()) {
    fmt::print(stderr, "{}", spec::render(diagnostic));
  }
  const std::size_t count = error.diagnostics().size();
  fmt::print(stderr, "{} {}; nothing was computed\n", count, count == 1 ? "error" : "errors");
  return tools::kInput;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return tools::run_command_line(argc, argv);
  } catch (const spec::InputError& error) {
    return report_input_error(error);
  } catch (const tools::Interrupted& stop) {
    fmt::print(stderr, "planewise: {}\n", stop.what());
    return tools::kInterrupted;
  } catch (const std::exception& error) {
    fmt::print(stderr, "planewise: {}\n", error.what());
    return tools::kMachine;
  }
}
