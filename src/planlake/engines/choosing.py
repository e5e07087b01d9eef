"""Which engine does a table's units: the one that is set, or by how much there is to be read."""

from dataclasses import dataclass, field
from typing import Literal

from planlake.engines.engine import Engine
from planlake.engines.local import LocalEngine
from planlake.engines.spark import SparkEngine, not_installed

EngineName = Literal["local", "spark", "auto"]
MEGABYTE = 2**20


@dataclass(frozen=True, slots=True)
class Engines:
    """The engines of a run. `auto` takes Spark from so many megabytes of files on."""

    name: EngineName = "local"
    local: Engine = field(default_factory=LocalEngine)
    spark: Engine = field(default_factory=SparkEngine)
    spark_from_megabytes: int = 0
    has_spark: bool = False

    def name_for(self, size: int) -> Literal["local", "spark"]:
        """The engine for units that read so many bytes of files."""
        if self.name == "auto":
            return "spark" if self.has_spark and size >= self.spark_from_megabytes * MEGABYTE else "local"
        return self.name

    def check(self) -> None:
        """Raise a ConfigurationError where Spark is to do all work and is not installed, before anything is read."""
        if self.name == "spark" and not self.has_spark:
            raise not_installed()

    def engine_for(self, size: int) -> Engine:
        """The engine itself; Spark's session is started when it is given its first units."""
        return self.spark if self.name_for(size) == "spark" else self.local
