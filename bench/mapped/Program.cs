using System.Diagnostics;
using System.IO.MemoryMappedFiles;
using OneCopy;
using OneCopy.Bench.Mapped;

// Nanoseconds for one read of so many bytes at random places of a warm file of 256 MiB, in each way that there is: medians of rounds that take turns.
const long FileLength = 256 << 20;
const int Rounds = 7;
string directory = args is [string named] ? named : "/dev/shm";
string path = Path.Combine(directory, $"onecopy-bench-{Environment.ProcessId}");
try
{
    using MappedFile file = MappedFile.Create(path, FileLength);
    using MappedView view = file.Map();
    using MappedView unguarded = file.Map(0, FileLength, new MapOptions { Guard = false });
    using MemoryMappedFile framework = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.ReadWrite);
    using MemoryMappedViewAccessor accessor = framework.CreateViewAccessor();
    view.GetSpan(0, (int)FileLength).Fill(1);
    unguarded.Populate(0, FileLength);
    byte[] array = new byte[1 << 20];
    long sum = 0;
    Way[] ways =
    [
        new("span", (at, n) => view.GetReadOnlySpan(at, n).CopyTo(array)),
        new("span, then IsDamaged", (at, n) =>
        {
            view.GetReadOnlySpan(at, n).CopyTo(array);
            view.ThrowIfDamaged();
        }),
        new("Pin", (at, n) =>
        {
            using MappedSpan pinned = view.Pin(at, n);
            pinned.ReadOnlySpan.CopyTo(array);
        }),
        new("CopyTo", (at, n) => view.CopyTo(at, array.AsSpan(0, n))),
        new("Read<T>", (at, n) => sum += n == 8 ? view.Read<long>(at) : view.Read<Line>(at)[3], Largest: 64),
        new("ReadSafely", (at, n) => view.ReadSafely(at, array.AsSpan(0, n))),
        new("Read<T>, no guard", (at, n) => sum += n == 8 ? unguarded.Read<long>(at) : unguarded.Read<Line>(at)[3], Largest: 64),
        new("pread", (at, n) => RandomAccess.Read(file.Handle, array.AsSpan(0, n), at)),
        new("MemoryMappedFile", (at, n) => sum += n == 8 ? accessor.ReadInt64(at) : accessor.ReadArray(at, array, 0, n)),
        new("Write<T>", (at, n) => WriteValue(view, at, n), Largest: 64),
        new("CopyFrom", (at, n) => view.CopyFrom(at, array.AsSpan(0, n))),
        new("WriteSafely", (at, n) => view.WriteSafely(at, array.AsSpan(0, n))),
    ];
    Console.WriteLine($"{"",-22}{"8 B",12}{"64 B",12}{"4 KiB",12}{"1 MiB",12}");
    int[] sizes = [8, 64, 4096, 1 << 20];
    double[,,] times = new double[ways.Length, sizes.Length, Rounds];
    for (int round = -1; round < Rounds; round++)
    {
        for (int w = 0; w < ways.Length; w++)
        {
            for (int s = 0; s < sizes.Length; s++)
            {
                double time = Measure(ways[w], sizes[s]);
                if (round >= 0)
                    times[w, s, round] = time;
            }
        }
    }

    for (int w = 0; w < ways.Length; w++)
    {
        Console.Write($"{ways[w].Name,-22}");
        for (int s = 0; s < sizes.Length; s++)
        {
            double[] all = [.. Enumerable.Range(0, Rounds).Select(r => times[w, s, r]).Order()];
            Console.Write($"{(sizes[s] > ways[w].Largest ? "" : $"{all[Rounds / 2]:F1}"),12}");
        }

        Console.WriteLine();
    }

    return sum == 42 ? 1 : 0;
}
finally
{
    File.Delete(path);
}

static double Measure(Way way, int size)
{
    if (size > way.Largest)
        return 0;
    int count = size switch { <= 64 => 200_000, <= 4096 => 50_000, _ => 200 };
    ulong random = 88172645463325252;
    long start = Stopwatch.GetTimestamp();
    for (int i = 0; i < count; i++)
    {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        way.Read((long)(random % (ulong)(FileLength - (1 << 20))) & ~63L, size);
    }

    return Stopwatch.GetElapsedTime(start).TotalNanoseconds / count;
}

static void WriteValue(MappedView view, long at, int size)
{
    if (size == 8)
        view.Write(at, at);
    else
        view.Write(at, default(Line));
}
