// Says which classes image files show, with a run that `bptplr train` has finished.
// usage: predict RUN IMAGE...
#include <cstdio>
#include <exception>
#include <span>
#include <string>
#include <vector>

#include "bpt_plr/run/predictor.hpp"
#include "kernels/processor.hpp"

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: predict RUN IMAGE...\n", stderr);
    return 2;
  }
  if (const char* missing = bptplr::kernels::missing_instructions()) {
    std::fprintf(stderr, "predict: %s\n", missing);
    return 1;
  }
  try {
    bptplr::Predictor predictor(argv[1], bptplr::DeviceChoice::kAuto);
    const std::vector<std::string>& names = predictor.class_names();
    const bptplr::FoundImages found =
        bptplr::find_image_files(std::vector<std::string>(argv + 2, argv + argc));
    predictor.predict(found.files, bptplr::OnBadImage::kStop, {}, [&](const auto& prediction) {
      std::printf("%s: %s (%.3f)\n", prediction.path.c_str(), names[prediction.label].c_str(),
                  prediction.probability[prediction.label]);
    });
  } catch (const std::exception& error) {
    std::fprintf(stderr, "predict: %s\n", error.what());
    return 1;
  }
}
