// Data sets of image files: their layouts, and what is wrong with those that are not so.
#include "tests/data/sets/image_sets.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "data/csv.hpp"
#include "data/sets/animal10n.hpp"
#include "data/sets/clothing1m.hpp"
#include "data/sets/image_folder.hpp"
#include "data/sets/image_manifest.hpp"
#include "engine/error.hpp"
#include "tests/data/sets/cifar10_files.hpp"
#include "tests/message_of.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class ImageSets : public ::testing::Test {
 protected:
  ImageSetOptions options(int side = 16) const {
    return {side, false, folder_.path() / "cache", OnBadImage::kStop, {}};
  }
  fs::path path() const { return folder_.path() / "set"; }

  TemporaryFolder folder_;
};

/// Is the mean colour of an image that of class_picture(label, ...)?
void expect_class(const Images& images, std::int64_t i, std::int64_t label) {
  for (std::int64_t c = 0; c < 3; ++c) {
    double sum = 0.0;
    for (std::int64_t p = c; p < images.bytes_per_image(); p += 3) sum += images.image(i)[p];
    const double expected = 40.0 + static_cast<double>(37 * label * (c + 1) % 150) + 29.5;
    EXPECT_NEAR(sum / static_cast<double>(images.height * images.width), expected, 8.0)
        << "image " << i << " channel " << c;
  }
}

void expect_classes(const Split& split) {
  ASSERT_EQ(std::ssize(split.labels), split.images.count);
  for (std::int64_t i = 0; i < split.images.count; ++i) {
    expect_class(split.images, i, split.labels[static_cast<std::size_t>(i)]);
  }
}

std::map<std::int64_t, int> sizes(const std::vector<std::int64_t>& labels) {
  std::map<std::int64_t, int> count;
  for (const std::int64_t label : labels) ++count[label];
  return count;
}

using Counts = std::map<std::int64_t, int>;

TEST_F(ImageSets, FolderWithTestImages) {
  for (const char* test : {"val", "test"}) {  // test comes first where both are there
    const int each = std::string(test) == "val" ? 1 : 2;
    write_class_folders(path() / "train", 3, 7);
    write_class_folders(path() / test, 3, each, 100);
    write(path() / "train" / "class1" / "notes.txt", "not an image");
    write(path() / "train" / ".hidden" / "x.jpg", "");
    const Dataset data = load_folder(path(), {}, options());
    EXPECT_EQ(data.class_names, (std::vector<std::string>{"class0", "class1", "class2"}));
    EXPECT_EQ(sizes(data.train.labels), (Counts{{0, 7}, {1, 7}, {2, 7}}));
    EXPECT_EQ(sizes(data.test.labels), (Counts{{0, each}, {1, each}, {2, each}}));
    EXPECT_EQ(data.train.images.height, 16);
    EXPECT_EQ(data.train.true_labels, std::vector<std::int64_t>(21, kUnknownLabel));
    expect_classes(data.train);
    expect_classes(data.test);
    for (const float deviation : data.std) EXPECT_TRUE(deviation > 0.03F && deviation < 0.5F);
  }
}

TEST_F(ImageSets, FolderIsSplitByClassAndSeed) {
  write_class_folders(path(), 3, 10);
  const auto tests = [&](double fraction, std::uint64_t seed) {
    ImageList list = list_folder(path());
    complete_test_set(list, {fraction, seed});
    std::set<fs::path> files;
    std::set<fs::path> all;
    for (const LabelledFile& file : list.test) files.insert(file.path);
    for (const auto* part : {&list.train, &list.test}) {
      for (const LabelledFile& file : *part) all.insert(file.path);
    }
    EXPECT_EQ(all.size(), 30U);
    return files;
  };
  EXPECT_EQ(tests(0.2, 1).size(), 6U);
  EXPECT_EQ(tests(0.2, 1), tests(0.2, 1));
  EXPECT_NE(tests(0.2, 1), tests(0.2, 2));
  EXPECT_EQ(tests(0.01, 1).size(), 3U) << "one of each class";
  EXPECT_EQ(tests(0.99, 1).size(), 27U) << "one of each class stays";
  const Dataset data = load_folder(path(), {0.2, 1}, options());
  EXPECT_EQ(sizes(data.test.labels), (Counts{{0, 2}, {1, 2}, {2, 2}}));
  expect_classes(data.train);
}

TEST_F(ImageSets, FoldersThatAreNoDataSet) {
  const auto error = [&](double fraction) {
    return message_of([&] {
      ImageList list = list_folder(path());
      complete_test_set(list, {fraction, 1});
    });
  };
  EXPECT_TRUE(contains(error(0.0), "no such folder"));
  write_class_folders(path(), 2, 3);
  EXPECT_TRUE(contains(error(0.0), "--test_split"));
  fs::create_directories(path() / "empty_class");
  EXPECT_TRUE(contains(error(0.2), "empty_class"));
  fs::remove_all(path());
  write_class_folders(path() / "train", 2, 3);
  EXPECT_TRUE(contains(error(0.0), "there are no test images"));
  EXPECT_EQ(error(0.5), "");
  write_class_folders(path() / "test", 3, 1);
  EXPECT_TRUE(contains(error(0.0), "'class2'"));
  fs::remove_all(path() / "test" / "class2");
  EXPECT_TRUE(contains(error(0.5), "leave --test_split out"));
  EXPECT_EQ(error(0.0), "");
  fs::remove_all(path());
  write_class_folders(path(), 1, 3);
  EXPECT_TRUE(contains(error(0.2), "1 folders of classes"));
}

TEST_F(ImageSets, FoldersThatAreNumbersCountAsNumbers) {
  for (int label = 0; label < 12; ++label) {
    write_jpeg(path() / "training" / std::to_string(label) / "a" / "deep.jpg",
               class_picture(label, 0));
    write_jpeg(path() / "validation" / std::to_string(label) / "b.jpg", class_picture(label, 1));
  }
  write_jpeg(path() / "training" / "02" / "b.jpg", class_picture(2, 2));
  write(path() / "training" / "5" / "scan.tif", "");
  fs::create_directories(path() / "unlabelled");
  const ImageList list = list_folder(path());
  EXPECT_EQ(list.class_names[10], "10");
  EXPECT_EQ(list.class_names.size(), 12U) << "2 and 02 are one";
  std::vector<std::int64_t> labels;
  for (const LabelledFile& file : list.train) labels.push_back(file.label);
  EXPECT_EQ(labels, (std::vector<std::int64_t>{0, 2, 1, 10, 11, 2, 3, 4, 5, 6, 7, 8, 9}))
      << "files in the order of their paths";
  EXPECT_EQ(list.test.size(), 12U);
  EXPECT_EQ(list.passed_over.kinds(),
            (std::map<std::string, std::int64_t>{{".tif", 1}, {"folder unlabelled", 1}}));
  ASSERT_EQ(list.warnings.size(), 1U);
  EXPECT_TRUE(contains(list.warnings[0], "'02' counts as class '2'")) << list.warnings[0];
}

TEST_F(ImageSets, OtherLayoutsAreTakenOrNamed) {
  write_class_folders(path() / "archive" / "train", 2, 2);
  EXPECT_EQ(list_folder(path()).train.size(), 4U) << "within the folder around it";
  write_jpeg(path() / "archive" / "test" / "x.jpg", class_picture(0, 0));
  EXPECT_TRUE(contains(message_of([&] { list_folder(path() / "archive"); }),
                       "test: it has no folders of classes"));
  fs::rename(path() / "archive" / "train", path() / "archive" / "images");
  EXPECT_TRUE(contains(message_of([&] { list_folder(path() / "archive"); }),
                       "it has a folder test, but none called train"));
}

TEST_F(ImageSets, Manifest) {
  write_class_folders(path(), 2, 4);
  const std::string body =
      "class0/image0.jpg,rose,rose,train\r\n"
      "\"class1/image1.JPEG\",\"a \"\"b\"\", c\",,train\r\n"
      "\r\n"
      "class0/image3.jpg,\"a \"\"b\"\", c\",rose,test\r\n"
      "class1/image2.Png,rose,,val\r\n";
  write(path() / "list.csv", "\xef\xbb\xbfpath,label,true_label,split\r\n" + body);
  const ImageList list = list_manifest(path() / "list.csv");
  EXPECT_EQ(list.class_names, (std::vector<std::string>{"a \"b\", c", "rose"}));
  ASSERT_EQ(list.train.size(), 2U);
  EXPECT_EQ(list.train[0].path, path() / "class0/image0.jpg");
  EXPECT_EQ(list.train[0].label, 1);
  EXPECT_EQ(list.train[0].true_label, 1);
  EXPECT_EQ(list.train[1].label, 0);
  EXPECT_EQ(list.train[1].true_label, kUnknownLabel);
  ASSERT_EQ(list.test.size(), 1U) << "val is left out where there is a test";
  EXPECT_EQ(list.test[0].label, 1) << "the true one";
  EXPECT_EQ(load_manifest(path() / "list.csv", {}, options()).train.images.count, 2);
}

TEST_F(ImageSets, ManifestWithNumbers) {
  write_class_folders(path(), 2, 8);
  std::string text = "label,path\n";
  for (int label = 0; label < 2; ++label) {
    for (int i = 0; i < 8; i += 3) {
      text += (label == 0 ? "00" : "3") + std::string(",class") + std::to_string(label) + "/image" +
              std::to_string(i) + ".jpg\n";
    }
  }
  write(path() / "list.csv", text);
  const Dataset data = load_manifest(path() / "list.csv", {0.4, 1}, options());
  EXPECT_EQ(data.class_names, (std::vector<std::string>{"00", "3"})) << "no class without a row";
  EXPECT_EQ(sizes(data.train.labels), (Counts{{0, 2}, {1, 2}}));
  EXPECT_EQ(sizes(data.test.labels), (Counts{{0, 1}, {1, 1}}));
}

TEST_F(ImageSets, ManifestWithBlanksAndMissingLabels) {
  write(path() / "list.csv",
        " path, label ,true_label\n a.jpg,cat ,NA\nb.jpg, dog,cat\nc.jpg,cat,None\n");
  const ImageList list = list_manifest(path() / "list.csv");
  EXPECT_EQ(list.class_names, (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(list.train[0].path, path() / "a.jpg");
  EXPECT_EQ(list.train[0].true_label, kUnknownLabel);
  EXPECT_EQ(list.train[1].true_label, 0);
  EXPECT_EQ(list.train[2].true_label, kUnknownLabel);
  for (const char* missing : {"", "NaN", "NA", "None", "-1"}) {
    write(path() / "list.csv", std::string("path,label\na.jpg,0\nb.jpg,") + missing + "\n");
    EXPECT_TRUE(contains(message_of([&] { list_manifest(path() / "list.csv"); }),
                         "list.csv, line 3: the label is "))
        << missing;
  }
}

TEST_F(ImageSets, ManifestsThatAreNone) {
  const auto error = [&](const std::string& text, double fraction = 0.5) {
    write(path() / "list.csv", text);
    std::string message = message_of([&] {
      ImageList list = list_manifest(path() / "list.csv");
      complete_test_set(list, {fraction, 1});
    });
    EXPECT_TRUE(contains(message, "list.csv")) << message;
    return message;
  };
  EXPECT_TRUE(contains(error(""), "0 lines"));
  EXPECT_TRUE(contains(error("path,label\n"), "1 lines"));
  EXPECT_TRUE(contains(error("path,lable\na.jpg,1\n"), "'lable'"));
  EXPECT_TRUE(contains(error("path,path\na.jpg,1\n"), "'path'"));
  EXPECT_TRUE(contains(error("path\na.jpg\n"), "path and label"));
  EXPECT_TRUE(contains(error("path,label\na.jpg,1\nb.jpg\n"), "line 3: 1 fields"));
  EXPECT_TRUE(contains(error("path,label\na.jpg,\n"), "line 2: the label"));
  EXPECT_TRUE(contains(error("path,label\n,x\n"), "line 2: the path"));
  EXPECT_TRUE(contains(error("path,label,split\na.jpg,1,tset\n"), "'tset'"));
  EXPECT_TRUE(contains(error("path,label\n\"a\n\n.jpg,1\n"), "line 2: a quote"));
  EXPECT_TRUE(contains(error("path,label\n\"a\"b.jpg,1\n"), "line 2: text follows"));
  EXPECT_TRUE(contains(error("path,label\na.jpg,x\nb.jpg,x\n"), "all labels are 'x'"));
  EXPECT_TRUE(contains(error("path,label\na.jpg,x\nb.jpg,y\n", 0.0), "there are no test images"));
  EXPECT_TRUE(contains(error("path,label,split\na.jpg,x,train\nb.jpg,y,test\n"), "already"));
}

TEST(Csv, AFieldReadsBackAsItWasWritten) {
  for (const char* text : {"", "plain", " a b ", "a,b", "\"", "say \"a,b\"", "two\nlines", "\r"}) {
    EXPECT_EQ(parse_csv("x," + csv_field(text) + "\n", "x")[0].fields[1], text);
  }
  EXPECT_EQ(csv_field("a b"), "a b");
}

TEST(Csv, AFormulaIsMarkedAsText) {
  for (const std::string formula : {"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "=a,b"}) {
    for (const std::string marks : {"", "'", "''"}) {
      const std::string text = marks + formula;
      EXPECT_TRUE(parse_csv(csv_field("'" + text), "x")[0].fields[0] == "'" + text) << text;
      EXPECT_EQ(parse_csv(csv_field(text), "x")[0].fields[0], text);
      EXPECT_TRUE(csv_field(text).starts_with("'" + marks) ||
                  csv_field(text).starts_with("\"'" + marks))
          << csv_field(text);
    }
  }
  for (const char* plain : {"'", "''a", "'a=1", "a=1", "1-2", " =1", "\\'="}) {
    EXPECT_EQ(csv_field(plain), plain);
    EXPECT_EQ(parse_csv(plain, "x")[0].fields[0], plain);
  }
  // As written by other programs.
  EXPECT_EQ(parse_csv("'=1,=1,\"'-1\"", "x")[0].fields,
            (std::vector<std::string>{"=1", "=1", "-1"}));
}

TEST(Csv, AZeroByteIsRefusedWithItsLine) {
  EXPECT_TRUE(contains(message_of([] { parse_csv(std::string("a\nb,c\0d\n", 9), "x.csv"); }),
                       "x.csv, line 2: a field has a zero byte"));
}

TEST(Csv, LinesAreCountedInsideOfQuotes) {
  const auto rows = parse_csv("a,\"b\n\nc\"\n\nd,e", "x");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].fields, (std::vector<std::string>{"a", "b\n\nc"}));
  EXPECT_EQ(rows[1].line, 5U);
  EXPECT_EQ(rows[1].fields, (std::vector<std::string>{"d", "e"}));
}

TEST_F(ImageSets, Animal10nImages) {
  for (const char* inner : {"", "raw_image", "raw_image_ver/raw_image"}) {
    const fs::path root = path() / std::to_string(std::string(inner).size());
    write_animal10n(root / inner, 4);
    const Dataset data = load_animal10n(root, options());
    EXPECT_EQ(data.num_classes(), 10);
    EXPECT_EQ(data.train.images.count, 40);
    EXPECT_EQ(data.test.images.count, 20);
    EXPECT_EQ(data.train.true_labels, std::vector<std::int64_t>(40, kUnknownLabel));
    EXPECT_EQ(data.mean, (std::vector<float>{0.6959F, 0.6537F, 0.6371F}));
    expect_classes(data.train);
    expect_classes(data.test);
  }
  write_jpeg(path() / "0" / "training" / "cat.jpg", class_picture(0, 0));
  EXPECT_TRUE(contains(message_of([&] { load_animal10n(path() / "0", options()); }), "cat.jpg"));
  EXPECT_TRUE(contains(message_of([&] { load_animal10n(path(), options()); }), "no Animal-10N"));
}

TEST_F(ImageSets, Animal10nInFoldersOfItsClasses) {
  const char* names[] = {"cat",    "Lynx",       "wolf",      "coyote",  "cheetah",
                         "jaguar", "chimpanzee", "orangutan", "hamster", "guinea_pig"};
  for (int label = 0; label < 10; ++label) {
    write_jpeg(path() / "train" / names[label] / "a.jpg", class_picture(label, 0));
    write_jpeg(path() / "test" / names[label] / "b.jpg", class_picture(label, 1));
    write_jpeg(path() / "numbers/train" / std::to_string(label) / "a.jpg", class_picture(label, 0));
    write_jpeg(path() / "numbers/test" / std::to_string(label) / "a.jpg", class_picture(label, 0));
  }
  for (const fs::path& folder : {path(), path() / "numbers"}) {
    const Dataset data = load_animal10n(folder, options());
    EXPECT_EQ(data.class_names[9], "guinea pig");
    expect_classes(data.train);
    expect_classes(data.test);
  }
  write_jpeg(path() / "train" / "zebra" / "a.jpg", class_picture(0, 0));
  EXPECT_TRUE(contains(message_of([&] { list_animal10n(path()); }), "there is a folder 'zebra'"));
}

TEST_F(ImageSets, Animal10nBinary) {
  const auto batch = [](int first, int count) {
    std::string bytes;
    for (int i = first; i < first + count; ++i) bytes += animal10n_record(i, i % 10);
    return bytes;
  };
  write(path() / "data_batch_1.bin", batch(0, 12));
  write(path() / "data_batch_2.bin", batch(12, 8));
  write(path() / "test_batch.bin", batch(100, 5));
  const Dataset data = load_animal10n(path(), options(64));
  ASSERT_EQ(data.train.images.count, 20);
  ASSERT_EQ(data.test.images.count, 5);
  EXPECT_EQ(data.train.true_labels.size(), 20U);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(data.train.labels[static_cast<std::size_t>(i)], i % 10);
    const Image expected = class_picture(i % 10, i, 64, 64);
    EXPECT_TRUE(
        std::equal(expected.pixels.begin(), expected.pixels.end(), data.train.images.image(i)));
  }
  expect_classes(load_animal10n(path(), options(32)).train);

  write(path() / "data_batch_2.bin", batch(0, 2).substr(1));
  EXPECT_TRUE(contains(message_of([&] { load_animal10n(path(), options()); }), "data_batch_2.bin"));
  std::string wrong = batch(0, 2);
  wrong[12296 + 7] = 10;
  write(path() / "data_batch_2.bin", wrong);
  EXPECT_TRUE(
      contains(message_of([&] { load_animal10n(path(), options()); }), "image 1 has label 10"));
  write(path() / "data_batch_2.bin", batch(0, 2));
  fs::remove(path() / "test_batch.bin");
  EXPECT_TRUE(contains(message_of([&] { load_animal10n(path(), options()); }), "test_batch.bin"));
}

TEST_F(ImageSets, Clothing1m) {
  write_clothing1m(path(), 3);
  const auto check = [&] {
    const Dataset data = load_clothing1m(path(), options());
    EXPECT_EQ(data.num_classes(), 14);
    ASSERT_EQ(data.train.images.count, 42);
    ASSERT_EQ(data.test.images.count, 14);
    expect_classes(data.train);
    expect_classes(data.test);
    for (std::size_t i = 0; i < 42; ++i) {
      EXPECT_EQ(data.train.true_labels[i],
                i % 3 == 0 ? (data.train.labels[i] + 1) % 14 : kUnknownLabel);
    }
  };
  check();
  // As some people keep it: lists in a folder of their own, images without theirs.
  fs::create_directories(path() / "annotations");
  for (const char* list : {"noisy_train_key_list.txt", "clean_test_key_list.txt",
                           "noisy_label_kv.txt", "clean_label_kv.txt"}) {
    fs::rename(path() / list, path() / "annotations" / list);
  }
  for (const auto& entry : fs::directory_iterator(path() / "images")) {
    fs::rename(entry.path(), path() / entry.path().filename());
  }
  fs::remove(path() / "images");
  check();
}

TEST_F(ImageSets, Clothing1mWithDamagedLists) {
  const auto error = [&](const std::string& list, const std::string& text) {
    fs::remove_all(path());
    write_clothing1m(path(), 1);
    write(path() / list, text);
    std::string message = message_of([&] { list_clothing1m(path()); });
    EXPECT_TRUE(contains(message, list)) << message;
    return message;
  };
  EXPECT_TRUE(contains(error("noisy_label_kv.txt", "images/a.jpg 14\n"), "line 1"));
  EXPECT_TRUE(contains(error("noisy_label_kv.txt", "images/a.jpg x\n"), "line 1"));
  EXPECT_TRUE(contains(error("clean_label_kv.txt", "\nimages/a.jpg\n"), "line 2"));
  EXPECT_TRUE(contains(error("noisy_train_key_list.txt", "images/a.jpg\n"), "no label"));
  EXPECT_TRUE(contains(error("clean_test_key_list.txt", ""), "empty"));
  for (const char* list : {"noisy_train_key_list.txt", "noisy_label_kv.txt"}) {
    EXPECT_TRUE(contains(error(list, std::string("\nimages/a.jpg\0.png 1\n", 22)),
                         "line 2: it has a zero byte"));
  }
  fs::remove(path() / "noisy_train_key_list.txt");
  EXPECT_TRUE(contains(message_of([&] { list_clothing1m(path()); }), "no Clothing1M"));
}

TEST_F(ImageSets, ThreeHundredBadFilesAreLeftOutOrRefusedByName) {
  constexpr int kBad = 300;
  write_class_folders(path() / "train", 3, 5);
  write_class_folders(path() / "test", 3, 1);
  std::set<std::string> bad;
  for (int i = 0; i < kBad; ++i) bad.insert(write_bad_image(path() / "train" / "class1", i));

  ImageSetOptions skip = options();
  skip.on_bad_image = OnBadImage::kSkip;
  std::set<std::string> named;
  skip.report.warning = [&](const std::string& sentence) {
    const std::size_t end = sentence.find(": ", std::string("left out: ").size());
    named.insert(fs::path(sentence.substr(0, end)).filename().string());
  };
  const Dataset data = load_folder(path(), {}, skip);
  EXPECT_EQ(sizes(data.train.labels), (Counts{{0, 5}, {1, 5}, {2, 5}}));
  expect_classes(data.train);
  EXPECT_EQ(named, bad);

  // Alone among good ones, each is refused by its name.
  for (const std::string& name : bad) {
    const fs::path alone = folder_.path() / "alone";
    fs::create_directories(alone);
    fs::rename(path() / "train" / "class1" / name, alone / name);
  }
  for (const std::string& name : bad) {
    const fs::path there = path() / "train" / "class1" / name;
    fs::rename(folder_.path() / "alone" / name, there);
    const std::string message = message_of([&] { load_folder(path(), {}, options()); });
    EXPECT_TRUE(contains(message, there.string())) << name << ": " << message;
    EXPECT_TRUE(contains(message, "--on_bad_image skip")) << message;
    fs::rename(there, folder_.path() / "alone" / name);
  }
  EXPECT_EQ(message_of([&] { load_folder(path(), {}, options()); }), "");
}

}  // namespace
}  // namespace bptplr
