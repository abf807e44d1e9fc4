"""Print, again and again, the time and how many points of a metric an SQLite store holds."""

import sqlite3
import sys
import time

SECONDS = 0.1


def count(database: str, metric: str) -> int:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30) as connection:
        query = "SELECT count(*) FROM metrics WHERE key = ?"
        return connection.execute(query, (metric,)).fetchone()[0]


if __name__ == "__main__":
    while True:
        print(time.time(), count(*sys.argv[1:]), flush=True)
        time.sleep(SECONDS)
