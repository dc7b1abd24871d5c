"""What the section [storage] means to the writer and to retention."""

from hfptm.config import Config
from hfptm.sections import Storage
from recorder.retention import RetentionSettings, settings_of
from recorder.storage import writer_settings
from recorder.writer import WriterSettings


def test_defaults_are_those_of_the_parts() -> None:
    assert writer_settings(Config()) == WriterSettings()
    assert settings_of(Storage()) == RetentionSettings()


def test_every_key_arrives_in_its_unit() -> None:
    section = Storage(
        flush_interval_ms=20,
        queue_mib=3,
        log_mib=2,
        log_interval_s=60,
        keep_days=7,
        min_free_mib=5,
        copy_url="s3://bucket/folder",
    )
    config = Config(storage=section)
    assert writer_settings(config) == WriterSettings(
        flush_interval_ms=20, queue_bytes=3 << 20, log_bytes=2 << 20, log_interval_s=60
    )
    assert settings_of(section) == RetentionSettings(
        keep_days=7, min_free_bytes=5 << 20, copy_url="s3://bucket/folder"
    )
