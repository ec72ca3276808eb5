// `bptplr export RUN`: writes a run's networks as one model for other programs.
#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <memory>
#include <string>

#include "apps/choice_flag.hpp"
#include "apps/commands.hpp"
#include "apps/terminal/terminal.hpp"
#include "bpt_plr/results/export/onnx_export.hpp"
#include "engine/io/file.hpp"
#include "engine/names.hpp"

namespace bptplr {
namespace {

enum class ExportFormat { kOnnx };
constexpr auto names_of(ExportFormat) {
  return std::to_array<NamedValue<ExportFormat>>({{ExportFormat::kOnnx, "onnx"}});
}

struct ExportCommandOptions {
  std::string model;
  std::string out;
  ExportFormat format = ExportFormat::kOnnx;
  bool half = false;
};

int export_model(const ExportCommandOptions& options) {
  const bool is_named = !options.out.empty();
  const std::filesystem::path out =
      is_named ? std::filesystem::path(options.out) : onnx_file_of(options.model, options.half);
  const std::int64_t bytes =
      export_onnx(options.model, is_named ? output_file(out) : out, options.half);
  say_last(fmt::format("bytes {} out {}", bytes, out.string()));
  return 0;
}

}  // namespace

void add_export_command(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("export", "Write a run's networks as one model for other programs.");
  const auto options = std::make_shared<ExportCommandOptions>();
  command
      ->add_option("RUN", options->model,
                   "folder that `bptplr train` wrote to, whose networks are asked together, or one "
                   "of its model files")
      ->required();
  add_choice(*command, "--format", options->format, "onnx, with the operators of opset 13");
  command
      ->add_option("--out", options->out,
                   "file to write; empty: RUN/model.onnx, with --half RUN/model_half.onnx")
      ->type_name("FILE");
  command->add_flag("--half", options->half,
                    "weights and arithmetic in float16; inputs and outputs stay as they are");
  command->callback([&action, options] { action = [options] { return export_model(*options); }; });
}

}  // namespace bptplr
