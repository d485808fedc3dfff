using System.Globalization;
using OneCopy.Interop;

namespace OneCopy.TestProcess;

/// <summary>Modes that map files through the public types. Each says a line when it is ready, and goes on at the next line of standard input.</summary>
internal static class MapModes
{
    public static void AddTo(Dictionary<string, Func<string[], int>> modes)
    {
        modes.Add("map-write-protected", WriteProtected);
        modes.Add("map-flush", Flush);
        modes.Add("map-descriptor", Descriptor);
        modes.Add("map-read-lost", ReadLost);
        modes.Add("map-without-process-vm", WithoutProcessVm);
        modes.Add("map-grow", Grow);
        modes.Add("map-many", Many);
    }

    /// <summary>PATH ACCESS: protects the second page, reads the first, and writes one byte of the second through a span.</summary>
    private static int WriteProtected(string[] args)
    {
        using MappedFile file = MappedFile.Open(args[0], MapAccess.ReadWrite);
        using MappedView view = file.Map();
        view.Protect(Environment.SystemPageSize, 1, Enum.Parse<MapAccess>(args[1]));
        Span<byte> span = view.GetSpan(0, (int)view.Length);
        span[0] = 1;
        Console.WriteLine("writing");
        span[Environment.SystemPageSize] = 1;
        Console.WriteLine("written");
        return 0;
    }

    /// <summary>
    /// PATH OFFSET LENGTH FROM COUNT: maps, says the address of the first byte, writes it, flushes COUNT bytes from FROM on (-1: none), asynchronously too, and
    /// disposes.
    /// </summary>
    private static int Flush(string[] args)
    {
        long[] n = [.. args[1..].Select(a => long.Parse(a, CultureInfo.InvariantCulture))];
        using MappedFile file = MappedFile.Open(args[0], MapAccess.ReadWrite);
        using MappedView view = file.Map(n[0], n[1]);
        view.Write(0, (byte)1);
        if (n[3] >= 0)
        {
            view.Flush(n[2], n[3]);
            view.Flush(n[2], n[3], FlushMode.Async);
        }

        view.Dispose();
        Console.WriteLine($"{view.Address}");
        return 0;
    }

    /// <summary>NUMBER-OR-PATH: maps what was passed, says its length and its first eight bytes, then writes its second eight.</summary>
    private static int Descriptor(string[] args)
    {
        using MappedFile file = int.TryParse(args[0], out int number) ? MappedFile.FromDescriptor(number) : MappedFile.Open(args[0], MapAccess.ReadWrite);
        using MappedView view = file.Map();
        Console.WriteLine($"{file.Length} {view.Read<long>(0)} {file.Access}");
        Console.ReadLine();
        view.Write(8, view.Read<long>(0) + 1);
        Console.WriteLine("written");
        return 0;
    }

    /// <summary>
    /// PATH span|value|copy|safe guarded|unguarded: maps the whole file, says "mapped", and at the next line reads the first byte of the second page in that way; says what it
    /// got, and whether the view is damaged.
    /// </summary>
    private static int ReadLost(string[] args)
    {
        using MappedFile file = MappedFile.Open(args[0], MapAccess.ReadWrite);
        using MappedView view = file.Map(0, file.Length, new MapOptions { Guard = args[2] is "guarded" });
        int page = Environment.SystemPageSize;
        byte[] one = new byte[1];
        Console.WriteLine("mapped");
        Console.ReadLine();
        try
        {
            switch (args[1])
            {
                case "span":
                    one[0] = view.GetReadOnlySpan(page, 1)[0];
                    break;
                case "value":
                    one[0] = view.Read<byte>(page);
                    break;
                case "copy":
                    view.CopyTo(page, one);
                    break;
                default:
                    view.ReadSafely(page, one);
                    break;
            }

            Console.WriteLine($"{one[0]} {view.IsDamaged}");
        }
        catch (MappedFileFaultException e)
        {
            Console.WriteLine($"fault {e.ViewOffset} {view.IsDamaged}");
        }

        return 0;
    }

    /// <summary>PATH: does without process_vm_readv and process_vm_writev, as in a container that forbids them; reads the two pages, writes, and meets what is not there.</summary>
    private static int WithoutProcessVm(string[] args)
    {
        Seccomp.Deny(Errno.EPERM, Syscall.SYS_process_vm_readv, Syscall.SYS_process_vm_writev).OrThrow("seccomp");
        int page = Environment.SystemPageSize;
        using MappedFile file = MappedFile.Open(args[0], MapAccess.ReadWrite);
        using MappedView view = file.Map(0, 3 * page, new MapOptions { Guard = false });
        file.SetLength(2 * page);
        byte[] all = new byte[3 * page];
        bool complete = view.TryReadSafely(0, all, out int read);
        view.Protect(page, page, MapAccess.Read);
        view.TryWriteSafely(page - 8, new byte[16], out int written);
        Console.WriteLine($"{complete} {read / page} {all[0]} {all[page]} {written} {view.Read<long>(page - 8)}");
        return 0;
    }

    /// <summary>
    /// PATH COUNT STEP: grows a view of the file so many times and writes the end of each step; says "ready" before, and the length after, how often there was no
    /// room, and whether all is there that was written.
    /// </summary>
    private static int Grow(string[] args)
    {
        int count = int.Parse(args[1], CultureInfo.InvariantCulture);
        long step = long.Parse(args[2], CultureInfo.InvariantCulture);
        using MappedFile file = MappedFile.Open(args[0], MapAccess.ReadWrite);
        using MappedView view = file.MapGrowable(0, 0, 1L << 40);
        Console.WriteLine("ready");
        Console.ReadLine();
        int failed = 0;
        for (int i = 1; i <= count; i++)
        {
            try
            {
                long at = view.Length;
                view.Grow(i * step);
                while ((at += step) <= view.Length)
                    view.Write(at - 8, at);
            }
            catch (OneCopyException e) when (e.Errno == Errno.ENOSPC)
            {
                failed++;
            }
        }

        bool good = true;
        for (long at = step; at <= view.Length; at += step)
            good &= view.Read<long>(at - 8) == at;
        Console.WriteLine($"{view.Length} {failed} {good} {view.IsDamaged}");
        return 0;
    }

    /// <summary>PATH COUNT: maps the file so often, truncates it, and reads a lost byte through the last one; says how many were guarded, and what it met.</summary>
    private static int Many(string[] args)
    {
        using MappedFile file = MappedFile.Open(args[0], MapAccess.ReadWrite);
        MappedView[] views = [.. Enumerable.Range(0, int.Parse(args[1], CultureInfo.InvariantCulture)).Select(_ => file.Map())];
        file.SetLength(0);
        string met = "nothing";
        try
        {
            views[^1].Read<byte>(5);
        }
        catch (MappedFileFaultException e)
        {
            met = $"a fault at {e.ViewOffset}";
        }

        Console.WriteLine($"{views.Count(v => v.IsGuarded)} {met} {views[0].GetReadOnlySpan(0, 1)[0]} {views[0].IsDamaged} {views[1].IsDamaged}");
        foreach (MappedView view in views)
            view.Dispose();
        using MappedView again = MappedFile.Open(args[0]).Map();
        return 0;
    }
}
