using OneCopy.Interop;
using Xunit;

namespace OneCopy.Tests.Interop;

/// <summary>A file is truncated under processes that have it mapped: the guarded go on, all others end as they always did.</summary>
public sealed class MappingGuardTests : IDisposable
{
    private readonly string _file = Path.Combine("/dev/shm", $"onecopy-guard-{Environment.ProcessId}-{Guid.NewGuid():N}");

    public MappingGuardTests() => File.WriteAllBytes(_file, [.. Enumerable.Repeat((byte)7, 64 * Environment.SystemPageSize)]);

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void There_is_a_guard_here() => Assert.Null(MappingGuard.Refusal);

    [Fact]
    public async Task A_reader_goes_on_with_zeros_and_knows_it()
    {
        using ChildProcess reader = ChildProcess.Start("guard-read", _file, "guarded");
        Assert.Equal("mapped", await reader.ReadLineAsync());
        Truncate(Environment.SystemPageSize);
        reader.WriteLine("");
        Assert.Equal("read 0 True 1", await reader.ReadLineAsync());
        reader.Finish();
    }

    [Fact]
    public async Task A_file_that_nobody_truncates_is_not_damaged()
    {
        using ChildProcess reader = ChildProcess.Start("guard-read", _file, "guarded");
        Assert.Equal("mapped", await reader.ReadLineAsync());
        reader.WriteLine("");
        Assert.Equal("read 7 False 0", await reader.ReadLineAsync());
        reader.Finish();
    }

    [Fact]
    public async Task A_mapping_that_is_not_registered_ends_the_process_as_it_does_without_a_guard()
    {
        (int code, string error) without = await EndOf("alone");
        (int code, string error) with = await EndOf("stranger");
        Assert.Equal(128 + 6, without.code);
        Assert.Contains("AccessViolationException", without.error, StringComparison.Ordinal);
        Assert.Equal(without.code, with.code);
        Assert.Contains("AccessViolationException", with.error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bus_errors_that_are_sent_end_the_process_as_they_do_without_a_guard()
    {
        List<int> ends = [];
        foreach (string how in new[] { "alone", "guarded" })
        {
            using ChildProcess reader = ChildProcess.Start("guard-read", _file, how);
            Assert.Equal("mapped", await reader.ReadLineAsync());

            // The runtime gives up its handler at the first, for the access that it takes for its cause to be made again.
            for (int signals = 0; !reader.HasExited && signals < 100; signals++)
            {
                using ChildProcess kill = ChildProcess.StartProgram("sh", "-c", $"kill -BUS {reader.Pid}");
                kill.WaitForExit();
            }

            ends.Add(reader.WaitForExit());
        }

        Assert.Equal(128 + Signal.SIGBUS, ends[0]);
        Assert.Equal(ends[0], ends[1]);
    }

    [Fact]
    public async Task Many_threads_may_meet_it_at_once_while_mappings_come_and_go()
    {
        using ChildProcess writers = ChildProcess.Start("guard-write-together", _file, "6");
        Assert.Equal("writing", await writers.ReadLineAsync());
        Truncate(32 * Environment.SystemPageSize);
        Truncate(Environment.SystemPageSize);
        Truncate(0);
        writers.WriteLine("");
        Assert.Equal("0 True True", await writers.ReadLineAsync());
        writers.Finish();
    }

    private async Task<(int Code, string Error)> EndOf(string how)
    {
        File.WriteAllBytes(_file, new byte[64 * Environment.SystemPageSize]);
        using ChildProcess reader = ChildProcess.Start("guard-read", _file, how);
        Assert.Equal("mapped", await reader.ReadLineAsync());
        Truncate(Environment.SystemPageSize);
        reader.WriteLine("");
        int code = reader.WaitForExit();
        Eventually.True(() => reader.Error.Length > 0, "the runtime says why");
        return (code, reader.Error);
    }

    private void Truncate(long length)
    {
        using FileStream file = new(_file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        file.SetLength(length);
    }
}
