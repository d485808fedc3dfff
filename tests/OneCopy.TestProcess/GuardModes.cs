using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;

namespace OneCopy.TestProcess;

/// <summary>Modes that map a file which somebody else truncates. The first argument is the file; it has 64 pages.</summary>
internal static unsafe class GuardModes
{
    private const int Pages = 64;

    public static void AddTo(Dictionary<string, Func<string[], int>> modes)
    {
        modes.Add("guard-read", Read);
        modes.Add("guard-write-together", WriteTogether);
    }

    /// <summary>
    /// FILE guarded|stranger|alone: maps it, says "mapped", and at the next line reads page 5 and says "read VALUE", whether the mapping is damaged,
    /// and how many mappings there are in its place more than before. stranger: another mapping is guarded. alone: none is, there is no handler.
    /// </summary>
    private static int Read(string[] args)
    {
        using SafeFileHandle file = SafeFd.Open(args[0], OpenFlags.O_RDWR);
        nuint length = (nuint)(Pages * Environment.SystemPageSize);
        using MemoryMapping? guarded = args[1] is "alone" ? null : MemoryMapping.OfFile(file, 0, (long)length, Prot.Read | Prot.Write, args[0]);
        byte* p = args[1] is "guarded" ? guarded!.Address
            : (byte*)Mman.mmap(0, length, Prot.Read | Prot.Write, Map.Shared, file.Fd(), 0).OrThrow("mmap");
        Console.WriteLine("mapped");
        Console.ReadLine();
        int before = MappingsIn((nuint)p, length);
        byte value = p[5 * Environment.SystemPageSize];
        Console.WriteLine($"read {value} {guarded?.IsDamaged} {MappingsIn((nuint)p, length) - before}");
        return 0;
    }

    // Not all of the process: the runtime makes some of its own meanwhile.
    private static int MappingsIn(nuint address, nuint length) => File.ReadLines("/proc/self/maps").Count(line =>
    {
        nuint start = nuint.Parse(line.AsSpan(0, line.IndexOf('-', StringComparison.Ordinal)), System.Globalization.NumberStyles.HexNumber);
        return start >= address && start < address + length;
    });

    /// <summary>
    /// FILE THREADS: so many threads write all over the file while others are registered, truncated and unmapped; says "writing", and at the next line how
    /// many mappings were damaged that nobody truncated, and whether the file's own is.
    /// </summary>
    private static int WriteTogether(string[] args)
    {
        using SafeFileHandle file = SafeFd.Open(args[0], OpenFlags.O_RDWR);
        long length = Pages * Environment.SystemPageSize;
        using MemoryMapping shared = MemoryMapping.OfFile(file, 0, length, Prot.Read | Prot.Write, args[0]);
        int wrong = 0;
        int rounds = 0;
        bool stop = false;
        Thread[] threads = [.. Enumerable.Range(0, int.Parse(args[1])).Select(t => new Thread(() =>
        {
            for (int i = 0; !Volatile.Read(ref stop); i++)
            {
                shared.Address[((i * 4099L) + (t * 64)) % length]++;
                if (i % 64 != 0)
                    continue;

                // Slots are taken, met in the middle of their change, and given away while others fault.
                string path = $"{args[0]}-{t}";
                using (SafeFileHandle own = SafeFd.Open(path, OpenFlags.O_RDWR | OpenFlags.O_CREAT, 0x180))
                {
                    bool lose = i % 128 == 0;
                    FileLength.fallocate(own.Fd(), 0, 0, length).OrThrow("fallocate", path);
                    using MemoryMapping mine = MemoryMapping.OfFile(own, 0, length, Prot.Read | Prot.Write, path);
                    if (lose)
                        RandomAccess.SetLength(own, 0);
                    mine.Address[length - 1] = 1;
                    if (mine.IsDamaged != lose || mine.Address[length - 1] != 1)
                        Interlocked.Increment(ref wrong);
                }

                Fcntl.unlink(path);
                Interlocked.Increment(ref rounds);
            }
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        Console.WriteLine("writing");
        Console.ReadLine();
        SpinWait.SpinUntil(() => shared.IsDamaged && Volatile.Read(ref rounds) > 500, TimeSpan.FromSeconds(20));
        Volatile.Write(ref stop, true);
        foreach (Thread thread in threads)
            thread.Join();
        Console.WriteLine($"{wrong} {shared.IsDamaged} {rounds > 500}");
        return 0;
    }
}
