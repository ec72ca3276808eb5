# The program on a CPU: docker build -f tools/docker/cpu.Dockerfile -t bptplr .
FROM debian:trixie-slim
COPY . /opt/bptplr
WORKDIR /opt/bptplr
RUN tools/demo.sh
RUN tools/test.sh
ENTRYPOINT ["/opt/bptplr/build/cpu/bptplr"]
