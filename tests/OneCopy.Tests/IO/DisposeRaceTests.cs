using Xunit;

namespace OneCopy.Tests.IO;

/// <summary>Views are disposed under threads that use them: each operation ends as it should, or in ObjectDisposedException, and the process lives.</summary>
public sealed class DisposeRaceTests
{
    [Fact]
    public void Every_method_may_race_with_dispose()
    {
        using TestFolder folder = new("/dev/shm");
        const int Length = 16 * 4096;
        using MappedFile file = MappedFile.Open(folder.Pattern(Length), MapAccess.ReadWrite);
        MappedView current = Open(file);
        bool stop = false;
        int disposed = 0;
        List<Exception> wrong = [];
        Thread[] threads = [.. Enumerable.Range(0, 4).Select(t => new Thread(() =>
        {
            byte[] bytes = new byte[5000];
            for (int i = t; !Volatile.Read(ref stop); i++)
            {
                MappedView view = Volatile.Read(ref current);
                try
                {
                    int at = i * 977 % (Length - bytes.Length - 8);
                    Use(view, i % 12, at, bytes);
                }
                catch (ObjectDisposedException)
                {
                    Interlocked.Increment(ref disposed);
                }
                catch (Exception e)
                {
                    lock (wrong)
                        wrong.Add(e);
                    return;
                }
            }
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        int rounds = 0;
        long start = Environment.TickCount64;
        while (Environment.TickCount64 < start + 1500 || (Volatile.Read(ref disposed) < 100 && Environment.TickCount64 < start + 20_000))
        {
            // The view is found disposed for a while, or is in use no more but by those who have it.
            MappedView next = Open(file);
            if (rounds++ % 2 == 0)
                current.Dispose();
            Interlocked.Exchange(ref current, next).Dispose();
        }

        Volatile.Write(ref stop, true);
        foreach (Thread thread in threads)
            thread.Join();
        current.Dispose();
        Assert.Empty(wrong);
        Assert.True(rounds > 100 && disposed >= 100, $"{rounds} views, {disposed} of the operations met a disposed one: no race");
    }

    private static MappedView Open(MappedFile file) => file.MapGrowable(0, file.Length, 1 << 30);

    private static void Use(MappedView view, int what, int at, byte[] bytes)
    {
        switch (what)
        {
            case 0:
                Same(TestFolder.At(at), view.Read<byte>(at));
                break;
            case 1:
                view.Write(at, TestFolder.At(at));
                break;
            case 2:
                view.ReadSafely(at, bytes);
                Same(TestFolder.At(at + 4999), bytes[4999]);
                break;
            case 3:
                view.CopyTo(at, bytes);
                Same(TestFolder.At(at + 4999), bytes[4999]);
                break;
            case 4:
                view.Flush(at, 10, FlushMode.Async);
                break;
            case 5:
                view.Populate(at, 5000);
                break;
            case 6:
                view.CountResidentPages(at, 5000);
                break;
            case 7:
                using (MappedSpan pinned = view.Pin(at, 5000))
                {
                    for (int i = 0; i < 5000; i += 100)
                        Same(TestFolder.At(at + i), pinned.ReadOnlySpan[i]);
                }

                break;
            case 8:
                using (System.Buffers.MemoryHandle pin = view.GetMemory(at, 5000).Pin())
                    Same(TestFolder.At(at), Byte(pin));
                break;
            case 9:
                view.Advise(at, 100, MapAdvice.WillNeed);
                break;
            case 10:
                view.TryWriteSafely(at, [TestFolder.At(at)], out _);
                break;
            default:
                view.Grow(view.Length);
                break;
        }
    }

    private static unsafe byte Byte(System.Buffers.MemoryHandle pin) => *(byte*)pin.Pointer;

    private static void Same(byte expected, byte actual)
    {
        if (expected != actual)
            throw new InvalidOperationException($"{actual} where {expected} is in the file");
    }
}
