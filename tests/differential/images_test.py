"""Images: Strata beside a real dockerd, command by command. How scenarios are written: tests/support/scenario.py."""
import unittest

from tests.support.scenario import BASE, ScenarioCase

FILES = {"Dockerfile": "FROM bb:1\nENV A=1 B=\"two words\"\nLABEL kind=app\nCOPY f /d/f\nRUN echo made > /made\nWORKDIR /w\nUSER bob\nEXPOSE 80 81/udp\nVOLUME /v\n"
                       "ENTRYPOINT [\"echo\"]\nCMD [\"x\", \"y\"]\nHEALTHCHECK --interval=3s CMD true\nSTOPSIGNAL INT\n",
         "f": "content\n"}
APP = [*BASE, "build -q N -t app:1 CONTEXT"]
FIELDS = ("Config.Env", "Config.Cmd", "Config.Entrypoint", "Config.Labels", "Config.ExposedPorts", "Config.Volumes", "Config.WorkingDir", "Config.User",
          "Config.Healthcheck", "Config.StopSignal", "Config.OnBuild", "Os", "Architecture", "Author", "Comment", "RepoTags", "RepoDigests", "GraphDriver.Name", "RootFS.Type")

SCENARIOS = {
    "tag": (BASE, ["tag bb:1 cc:2", "tag bb:1 cc", "tag {bb:1} dd:1", "tag {bb:1!} reg.example:5000/a/b", "tag bb:1 cc:2", "tag nosuch x", "tag bb:1 UPPER", "tag bb:1 x:", "tag bb:1 x@sha256:12",
                   "tag bb:1 sha256:12", "tag", "tag bb:1", "tag bb:1 " + "x" * 256, "tag bb:1 x:" + "y" * 129, "tag bb:1 {bb:1}", "images --format '{{.Repository}}:{{.Tag}}'"]),
    "tables of images": (APP, ["images --format '{{.Repository}} {{.Tag}} {{.Size}}'", "images --format 'table {{.Repository}}\t{{.Tag}}'", "images --format '{{json .Repository}}'", "images --format '{{.Nosuch}}'", "images --format '{{'",
                               "images -q", "images --no-trunc -q", "images nosuch", "images app", "images app:1 --format '{{.Tag}}'", "images a b", "image list --format '{{.Tag}}'", "images --format '{{upper .Repository}} {{len .Tag}}'"]),
    "history": (APP, ["history --no-trunc --format '{{.CreatedBy}}|{{.Size}}|{{.Comment}}' bb:1", "history --format '{{.Size}}|{{.Comment}}' app:1", "history -q app:1", "history -H=false --format '{{.Size}}' app:1", "history nosuch", "history",
                      "history --format '{{.Nosuch}}' app:1", "history --format 'table {{.ID}}\t{{.Size}}' app:1"]),
    "inspect": (APP, [*(f"image inspect -f '{{{{json .{field}}}}}' app:1" for field in FIELDS), "image inspect app:1 bb:1 -f '{{len .RootFS.Layers}}'", "image inspect nosuch app:1 nosuch:2 -f '{{.Os}}'", "image inspect", "image inspect -f '{{.Nosuch}}' app:1",
                      "image inspect -f '{{range .Config.Env}}{{println .}}{{end}}' app:1", "image inspect -f '{{index .Config.Labels \"kind\"}}' app:1", "image inspect -f '{{if .Config.User}}yes{{else}}no{{end}}' app:1",
                      "image inspect -f '{{join .Config.Cmd \",\"}} {{printf \"%q\" .Os}} {{.Config.Cmd}}' app:1", "image inspect -f '{{with .Config}}{{.User}}{{end}} {{(index .RootFS.Layers 0) | len}}' app:1"]),
    "import": (BASE, ["import BASE in:1 -m 'a message'", "import -c 'CMD [\"x\"]' -c 'ENV A=b c=d' --change 'USER u' BASE in:2", "image inspect -f '{{json .Config.Cmd}} {{json .Config.Env}} {{.Config.User}} {{.Comment}}' in:2",
                      "history --format '{{.Comment}}|{{.CreatedBy}}' in:1", "import --platform plan9/x BASE in:4", "import -c 'RUN x' BASE in:5", "import -c nosuch BASE in:5",
                      "import nosuch.tar", "import", "import BASE UPPER", "rootfs in:1"]),
    "save": (APP, ["save nosuch", "save", "save -o /nosuch/x app:1", "save app:1 nosuch:2"]),
    "save and load": (APP, ["save -o CONTEXT/app.tar app:1", "rmi app:1", "load -q -i CONTEXT/app.tar", "load -i CONTEXT/app.tar", "image inspect -f '{{json .RepoTags}} {{.Parent}}' app:1", "history -q app:1", "rootfs app:1"]),
    "load of what is none": (BASE, ["load -i nosuch.tar", "load x"]),
    "a whole file system": (APP, ["rootfs app:1", "rootfs bb:1"]),
    "run of a built image": (APP, ["run N app:1", "run N app:1 z", "run N --entrypoint id app:1", "run N --entrypoint pwd app:1", "run N --entrypoint cat app:1 /made /d/f"]),
    "the commands of image": (APP, ["image ls -q nosuch", "image tag app:1 app:2", "image history -q nosuch", "image rm app:2", "image inspect --nosuch", "image save nosuch", "image prune -f --filter label=nosuch"]),
    "what is no command": (BASE, ["nosuch", "images --nosuch"]),
}


class Images(ScenarioCase):
    FILES = FILES
    KEEP = True

    def test_every_scenario(self):
        self.compare(SCENARIOS)


if __name__ == "__main__":
    unittest.main()
