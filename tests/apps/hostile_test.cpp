// Files, names and folders of strangers, as the command meets them: one sentence, and nothing of
// theirs acts on the terminal or on other files.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "data/csv.hpp"
#include "tests/apps/run_app.hpp"
#include "tests/data/sets/image_sets.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

const std::string kTiny =
    "--width 4 --blocks 1,1,1,1 --batch_size 16 --warm_up 1 --num_epochs 2 --threads 1 ";

/// Trains on the folder of classes `set`, with a cache of its images in `c`.
const std::string kTrainOnSet =
    "train --dataset folder --data_path set --test_split 0.3 --image_size 16 --cache_dir c " +
    kTiny;

/// Expects that no byte of `text` but the ends of lines acts on a terminal.
void expect_harmless(const std::string& text) {
  const auto acts = [](char c) { return (c >= 0 && c < ' ' && c != '\n') || c == '\x7f'; };
  EXPECT_TRUE(std::ranges::none_of(text, acts)) << text;
  EXPECT_EQ(text.find("\xc2\x9b"), std::string::npos) << text;
}

TEST(AppHostile, NestedValuesAreRefusedByEveryCommand) {
  const TemporaryFolder folder;
  const std::string deep =
      "{\"lr\": " + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  write_text(folder / "deep.json", deep);
  expect_error(folder, "train --dataset shapes --recipe deep.json", "deep.json is not valid JSON");
  expect_error(folder, "compare deep.json ce --dataset shapes --out c", "deep.json");
  fs::create_directories(folder / "run");
  write_text(folder / "run/config.json", deep);
  for (const char* command :
       {"train --resume --out run", "eval run", "audit run", "report run", "predict run x.png"}) {
    expect_error(folder, command, "run/config.json is not valid JSON");
  }
}

TEST(AppHostile, LongValuesAreCutInSentences) {
  const TemporaryFolder folder;
  write_text(folder / "long.json", "{\"lr\": \"" + std::string(1 << 20, 'x') + "\"}");
  expect_error(folder, "train --dataset shapes --recipe long.json", "but must be a number");
  EXPECT_LT(read_text(folder / "stderr.txt").size(), 1000U);
  write_text(folder / "name.json", "{\"" + std::string(1 << 20, 'x') + "\": 1}");
  expect_error(folder, "train --dataset shapes --recipe name.json", "there is no recipe field");
  EXPECT_LT(read_text(folder / "stderr.txt").size(), 1000U);
}

TEST(AppHostile, PipesSocketsAndFoldersAreNoFiles) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  const std::string not_regular = "it is not a regular file";
  expect_error(folder, "train --dataset shapes --recipe pipe --out r", not_regular);
  expect_error(folder, "train --dataset shapes --noise_file pipe --out r", not_regular);
  expect_error(folder, "train --dataset shapes --pretrained pipe --out r", not_regular);
  expect_error(folder, "train --dataset cifar10 --data_path pipe --out r", "pipe");
  expect_error(folder, "train --dataset csv --data_path pipe --out r", "pipe");
  expect_error(folder, "predict pipe x.png", "pipe");
  expect_error(folder, "train --dataset shapes --out pipe", "pipe");
  fs::create_directories(folder / "run");
  fs::rename(folder / "pipe", folder / "run/config.json");
  for (const char* command :
       {"train --resume --out run", "eval run", "audit run", "report run", "predict run x.png"}) {
    expect_error(folder, command, not_regular);
  }
}

TEST(AppHostile, NothingIsWrittenThroughALink) {
  const TemporaryFolder folder;
  write_text(folder / "victim", "precious");
  fs::create_directories(folder / "run");
  const auto plant = [&](const char* name) {
    fs::create_symlink(folder / "victim", folder / (std::string("run/") + name));
  };
  plant("model1.safetensors.part");
  plant("classes.json.part");
  plant("noise.json");
  plant("data.csv");
  const AppResult result = run_app(folder, "train --dataset shapes " + kSmall + "--out run");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(read_text(folder / "victim"), "precious");
  for (const char* name : {"model1.safetensors", "noise.json", "data.csv"}) {
    const fs::path file = folder.path() / "run" / name;
    EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(file))) << name;
  }
  for (const char* name : {"lock", "metrics.jsonl"}) {
    fs::remove_all(folder / "run");
    fs::create_directories(folder / "run");
    plant(name);
    EXPECT_EQ(run_app(folder, "train --dataset shapes " + kSmall + "--out run").exit_code, 1);
    EXPECT_EQ(read_text(folder / "victim"), "precious") << name;
  }
}

TEST(AppHostile, NamesDoNotReachTheTerminalAsCommands) {
  const TemporaryFolder folder;
  const std::string evil =
      "\x1b[2J\x1b]0;owned\x07\xc2\x9b"
      "31m\nline";
  write_class_folders(folder / "set", 2, 6);
  fs::rename(folder / "set/class0", folder / ("set/a" + evil));
  fs::rename(folder / "set/class1", folder / ("set/b" + evil));
  write_text(folder / ("set/a" + evil + "/bad" + evil + ".png"), "no picture");
  fs::copy_file(folder / ("set/b" + evil + "/image0.jpg"),
                folder / ("set/b" + evil + "/copy" + evil + ".jpg"));
  const std::string out = "run$(printf '\\033[31m')";
  for (const std::string& command : std::vector<std::string>{
           std::string("data check set"),
           kTrainOnSet + "--on_bad_image skip --noise_mode sym --r 0.4 --out " + out,
           "train --log_format json --dataset folder --data_path set --test_split 0.3 "
           "--image_size 16 --cache_dir c --on_bad_image skip " +
               kTiny + "--out json" + out,
           "audit --top 5 " + out, "eval " + out, "report " + out, "cache list --cache_dir c",
           "predict --json " + out + " set/a*/image0.jpg",
           "predict --out p.csv " + out + " set/a*/image0.jpg"}) {
    SCOPED_TRACE(command);
    const AppResult result = run_app(folder, command);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    expect_harmless(result.out);
    expect_harmless(result.err);
  }
  // What is quoted of the command line and of recipes.
  const std::string escape = "$(printf '\\033[31m')";
  write_text(folder / "evil.json", "{\"lr" + std::string("\\u001b[2J") + "\": 1}");
  for (const std::string& command : std::vector<std::string>{
           "train --recipe evil.json", std::string("train --recipe no") + "$(printf '\\033')",
           "train --method x" + escape, "train --no" + escape + " 1", "tr" + escape,
           "train --lr 1" + escape, "eval no" + escape, "predict no" + escape + " x",
           "data check no" + escape, "train --dataset shapes --noise_file no" + escape}) {
    SCOPED_TRACE(command);
    const AppResult result = run_app(folder, command);
    EXPECT_GE(result.exit_code, 1);
    expect_harmless(result.err);
  }
}

TEST(AppHostile, FormulasInTablesAreText) {
  const TemporaryFolder folder;
  write_class_folders(folder / "set", 2, 8);
  fs::rename(folder / "set/class0", folder / "set/=HYPERLINK(1)");
  fs::rename(folder / "set/class1", folder / "set/@SUM");
  ASSERT_EQ(run_app(folder, kTrainOnSet + "--out run").exit_code, 0);
  ASSERT_EQ(run_app(folder, "audit run").exit_code, 0);
  const std::string table = read_text(folder / "run/audit/suspects.csv");
  EXPECT_EQ(table.find(",="), std::string::npos) << table;
  EXPECT_EQ(table.find(",@"), std::string::npos) << table;
  for (const CsvRow& row : parse_csv(table, "suspects.csv")) {
    if (row.line == 1) continue;
    EXPECT_TRUE(row.fields[4] == "=HYPERLINK(1)" || row.fields[4] == "@SUM") << row.fields[4];
  }
  // A corrected table is read as the classes that it was made of.
  write_text(folder / "decisions.json", "{\"accepted\": [], \"rejected\": []}");
  ASSERT_EQ(run_app(folder, "predict --out p.csv run set/@SUM").exit_code, 0);
  EXPECT_EQ(read_text(folder / "p.csv").find(",="), std::string::npos);
}

TEST(AppHostile, NamesThatTheSystemRefusesEndInOneSentence) {
  const TemporaryFolder folder;
  const std::string name(300, 'a');
  for (const std::string& command : std::vector<std::string>{
           "train --dataset shapes --out " + name, "eval " + name, "audit " + name,
           "train --dataset shapes --pretrained " + name + " --out r",
           "train --dataset folder --data_path " + name, "data check " + name,
           "train --recipe " + name, "predict " + name + " x", "cache list --cache_dir " + name}) {
    SCOPED_TRACE(command);
    const AppResult result = run_app(folder, command);
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_EQ(result.err.find("filesystem error"), std::string::npos) << result.err;
    EXPECT_TRUE(contains(result.err, "too long")) << result.err;
  }
}

TEST(AppHostile, AnErrorStreamThatIsFullChangesNothing) {
  const TemporaryFolder folder;
  const auto code_of = [&](const std::string& arguments) {
    const std::string command = "cd '" + (folder / ".") + "' && " + BPTPLR_BINARY_DIR + "/bptplr " +
                                arguments + " >/dev/null 2>/dev/full";
    return WEXITSTATUS(std::system(command.c_str()));
  };
  EXPECT_EQ(code_of("eval nothing"), 1);
  EXPECT_EQ(code_of("nosuch"), 2);
  write_class_folders(folder / "set", 2, 8);
  EXPECT_EQ(code_of(kTrainOnSet + "--method ce --tau 0.5 --out run"), 0)
      << "with a warning that cannot be written";
}

TEST(AppHostile, ALockThatSomebodyHoldsOnACacheStopsNothing) {
  const TemporaryFolder folder;
  write_class_folders(folder / "set", 2, 6);
  ASSERT_EQ(run_app(folder, kTrainOnSet + "--out a").exit_code, 0);
  const int held = ::open(fs::directory_iterator(folder / "c")->path().c_str(), O_RDONLY);
  ASSERT_EQ(::flock(held, LOCK_EX), 0);
  EXPECT_EQ(run_app(folder, kTrainOnSet + "--out b").exit_code, 0);
  ::close(held);
}

TEST(AppHostile, AnEmptyListOfLabelsIsAnError) {
  const TemporaryFolder folder;
  write_text(folder / "list.json", "[]");
  write_text(folder / "list.pkl", "\x80\x02].");
  for (const char* file : {"list.json", "list.pkl"}) {
    expect_error(folder, std::string("train ") + kSmall + "--noise_file " + file, "200");
  }
}

TEST(AppHostile, ARunDoesNotDecideWhereItsReadersWrite) {
  const TemporaryFolder folder;
  write_class_folders(folder / "set", 2, 8);
  ASSERT_EQ(run_app(folder, kTrainOnSet + "--out run").exit_code, 0);
  std::string config = read_text(folder / "run/config.json");
  const std::string was = "\"cache_dir\": \"c\"";
  config.replace(config.find(was), was.size(), "\"cache_dir\": \"elsewhere/c\"");
  write_text(folder / "run/config.json", config);
  for (const char* command : {"eval run", "audit run", "report run"}) {
    const std::string own_cache =
        "XDG_CACHE_HOME='" + (folder / "own") + "' " + BPTPLR_BINARY_DIR + "/bptplr ";
    const std::string line =
        "cd '" + (folder / ".") + "' && " + own_cache + command + " >/dev/null 2>&1";
    EXPECT_EQ(std::system(line.c_str()), 0) << command;
    EXPECT_FALSE(fs::exists(folder / "elsewhere")) << command;
  }
}

TEST(AppHostile, OnlyPicturesAreMovedBack) {
  const TemporaryFolder folder;
  write_text(folder / "payload", "evil");
  fs::create_directories(folder / "home");
  write_text(folder / "undo_1.csv",
             "from,to\n" + (folder / "home/.profile") + "," + (folder / "payload") + "\n");
  expect_error(folder, "audit . --undo undo_1.csv", "is no picture, so no audit has moved it");
  EXPECT_FALSE(fs::exists(folder / "home/.profile"));
}

TEST(AppHostile, ClassesThatWouldShareAFolderAreNotMixed) {
  const TemporaryFolder folder;
  write_class_folders(folder / "set", 2, 8);
  std::string table = "path,label,split\n";
  for (const auto& [source, name] : {std::pair("class0", "a/b"), std::pair("class1", "a_b")}) {
    int i = 0;
    for (const auto& entry : fs::directory_iterator(folder / ("set/" + std::string(source)))) {
      table += entry.path().string() + "," + name + (++i > 6 ? ",test\n" : ",train\n");
    }
  }
  write_text(folder / "list.csv", table);
  const AppResult result =
      run_app(folder, "train --dataset csv --data_path list.csv --image_size 16 --cache_dir c " +
                          kTiny + "--out run");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  write_text(folder / "decisions.json", "{\"decisions\": []}");
  expect_error(folder, "audit run --apply copy o --decisions decisions.json",
               "the classes 'a/b' and 'a_b' would be one folder, a_b");
}

TEST(AppHostile, AClassFolderThatIsNoTextIsTheSameWhenItIsReadBack) {
  const TemporaryFolder folder;
  write_class_folders(folder / "set", 2, 8);
  fs::rename(folder / "set/class1", folder / "set/\xff\xfe");
  const AppResult result = run_app(folder, kTrainOnSet + "--out run");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(run_app(folder, "eval run").exit_code, 0);
  EXPECT_EQ(run_app(folder, "audit run").exit_code, 0);
}

TEST(AppHostile, LinesThatNoRunWritesAreRefusedByTheirFile) {
  const TemporaryFolder folder;
  ASSERT_EQ(run_app(folder, "train " + kSmall + "--threads 1 --out run").exit_code, 0);
  const std::string lines = read_text(folder / "run/metrics.jsonl");
  for (const char* value : {"\"high\"", "[1]", "{}", "null", "1e999"}) {
    std::string changed = lines;
    const std::size_t at = changed.rfind("\"test_acc\":") + 11;
    changed.replace(at, changed.find_first_of(",}", at) - at, value);
    write_text(folder / "run/metrics.jsonl", changed);
    for (const char* command : {"report run", "train --resume --out run"}) {
      SCOPED_TRACE(std::string(command) + " " + value);
      const AppResult result = run_app(folder, command);
      if (result.exit_code == 0) continue;  // "-" where there is no figure
      EXPECT_EQ(result.exit_code, 1);
      EXPECT_TRUE(contains(result.err, "metrics.jsonl")) << result.err;
    }
  }
}

TEST(AppHostile, ACacheOfAnotherUserIsNotTrusted) {
  const TemporaryFolder folder;
  write_class_folders(folder / "set", 2, 6);
  ASSERT_EQ(run_app(folder, kTrainOnSet + "--out a").exit_code, 0);
  for (const auto& entry : fs::directory_iterator(folder / "c")) {
    EXPECT_EQ(fs::status(entry).permissions() & fs::perms::others_write, fs::perms::none);
    fs::permissions(entry, fs::perms::others_write, fs::perm_options::add);
  }
  expect_error(folder, kTrainOnSet + "--out b", "could have been written by another user");
}

}  // namespace
}  // namespace bptplr
