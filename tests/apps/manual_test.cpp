// The manual and the completion of shells, which are made from the flags: in bash itself, and for
// other programs' syntax where they are installed.
#include <gtest/gtest.h>

#include <string>

#include "bpt_plr/recipe/fields.hpp"
#include "tests/apps/run_app.hpp"

namespace bptplr {
namespace {

/// Runs a line of the shell `sh` in `folder`; its output and errors are in `out`.
AppResult run_shell(const TemporaryFolder& folder, const std::string& line) {
  const std::string out = folder / "shell.txt";
  write_text(folder / "line.sh", "cd '" + folder / "." + "' || exit 1\n" + line + "\n");
  const int status = std::system(("sh '" + folder / "line.sh" + "' >'" + out + "' 2>&1").c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_text(out), ""};
}

bool has_program(const TemporaryFolder& folder, const std::string& name) {
  return run_shell(folder, "command -v " + name).exit_code == 0;
}

/// Returns what bash completes the last of `words` to, with a blank after each; the words are
/// those that readline makes of a line.
std::string completed(const TemporaryFolder& folder, const std::string& words) {
  write_text(folder / "try.bash",
             "source bptplr.bash\nCOMP_WORDS=(bptplr " + words +
                 ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_bptplr\n" +
                 "((${#COMPREPLY[@]} == 0)) || printf '%s ' \"${COMPREPLY[@]}\"\n");
  return run_shell(folder, "bash try.bash").out;
}

TEST(AppManual, BashCompletesCommandsFlagsChoicesAndFiles) {
  const TemporaryFolder folder;
  write_text(folder / "bptplr.bash", run_app(folder, "completion bash").out);
  write_text(folder / "a file.csv", "");
  EXPECT_EQ(completed(folder, "tr"), "train ");
  EXPECT_EQ(completed(folder, "cache ''"), "list clear ");
  EXPECT_EQ(completed(folder, "comp"), "compare ") << "the hidden commands are hidden here too";
  EXPECT_EQ(completed(folder, "train --dat"), "--dataset --data_path ");
  EXPECT_EQ(completed(folder, "train --dataset c"), "cifar10 cifar100 clothing1m csv ");
  EXPECT_EQ(completed(folder, "train --dataset = cs"), "csv ") << "as --dataset=cs";
  EXPECT_EQ(completed(folder, "eval runs --device ''"), "auto cpu cuda ");
  EXPECT_EQ(completed(folder, "audit runs --apply m"), "move ");
  EXPECT_EQ(completed(folder, "compare dividem"), "dividemix ");
  EXPECT_EQ(completed(folder, "train --recipe shapes"), "shapes-demo ");
  EXPECT_EQ(completed(folder, "train --seed ''"), "");
  for (const char* path :
       {"train --data_path a", "train --recipe a\\ ", "eval a", "predict runs a"}) {
    EXPECT_TRUE(contains(completed(folder, path), "a file.csv ")) << path;
  }
}

TEST(AppManual, OtherShellsReadTheirScripts) {
  const TemporaryFolder folder;
  for (const std::string shell : {"zsh", "fish"}) {
    const AppResult script = run_app(folder, "completion " + shell);
    EXPECT_EQ(script.exit_code, 0) << script.err;
    EXPECT_TRUE(contains(script.out, "cifar100n")) << shell;
    write_text(folder / "bptplr." + shell, script.out);
    if (!has_program(folder, shell)) continue;
    const AppResult read = run_shell(folder, shell + " -n bptplr." + shell);
    EXPECT_EQ(read.exit_code, 0) << read.out;
    EXPECT_EQ(read.out, "");
  }
  if (!has_program(folder, "fish")) GTEST_SKIP() << "there is no fish here";
  const AppResult fish =
      run_shell(folder, "fish -c 'source bptplr.fish; complete -C \"bptplr train --dataset cs\"'");
  EXPECT_TRUE(fish.out.starts_with("csv")) << fish.out;
}

TEST(AppManual, ThePageHasEveryFieldAndFormatsWithoutAWarning) {
  const TemporaryFolder folder;
  const AppResult page = run_app(folder, "man");
  ASSERT_EQ(page.exit_code, 0) << page.err;
  for (const RecipeField& field : recipe_fields()) {
    EXPECT_TRUE(contains(page.out, "\\-\\-" + std::string(field.name))) << field.name;
  }
  write_text(folder / "bptplr.1", page.out);
  if (!has_program(folder, "groff")) GTEST_SKIP() << "there is no groff here";
  EXPECT_EQ(run_shell(folder, "groff -man -ww -z bptplr.1").out, "");
}

TEST(AppManual, AShellThatThereIsNotIsWrongUsage) {
  const TemporaryFolder folder;
  const AppResult result = run_app(folder, "completion csh");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_TRUE(contains(result.err, "'csh' is none of bash, zsh, fish")) << result.err;
}

}  // namespace
}  // namespace bptplr
