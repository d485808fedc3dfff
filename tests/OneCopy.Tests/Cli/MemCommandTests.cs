using System.Text.Json;
using OneCopy.Tests.Memory;
using Xunit;

namespace OneCopy.Tests.Cli;

public class MemCommandTests
{
    [Fact]
    public void WhatIsWrittenIsReadAndDumped()
    {
        using HeldMemory held = HeldMemory.Pages("w");
        string pid = $"{held.Pid}";
        string address = $"0x{held.Address:x}";
        Assert.Equal($"19 bytes written to {address} of process {pid}.\n", Tool.Succeeds("mem", "write", pid, address, "--text", "Hello, other side.\u007f").Output);
        string dump = Tool.Succeeds("mem", "read", pid, $"{address}:19").Output;
        Assert.Equal(
            $"{held.Address:x16}  48 65 6c 6c 6f 2c 20 6f  74 68 65 72 20 73 69 64  |Hello, other sid|\n"
            + $"{held.Address + 16:x16}  65 2e 7f                                          |e..|\n",
            dump);

        Tool.Succeeds("mem", "write", pid, address, "--hex", "00 ff 0A");
        Tool raw = Tool.Succeeds("mem", "read", pid, $"{held.Address + 1:x}:2", $"{address}:0x1", "--raw");
        Assert.Equal([0xff, 0x0a, 0x00], raw.Bytes);

        string file = Path.GetTempFileName();
        File.WriteAllBytes(file, HeldMemory.Pattern(77, 4096));
        JsonElement report = JsonDocument.Parse(Tool.Succeeds("mem", "write", pid, address, "--file", file, "--json").Output).RootElement;
        File.Delete(file);
        Assert.Equal(4096, report.GetProperty("written").GetInt32());
        Assert.Equal(HeldMemory.Pattern(77, 4096), Tool.Succeeds("mem", "read", pid, $"{address}:4096", "--raw").Bytes);
    }

    [Fact]
    public void AHoleIsNamedAndWhatIsBehindItIsStillRead()
    {
        using HeldMemory held = HeldMemory.Pages("w-w");
        nuint hole = held.Address + HeldMemory.Page;
        Tool run = Tool.Run("mem", "read", $"{held.Pid}", $"{hole - 3:x}:10", $"{hole + HeldMemory.Page:x}:2", "--json");
        Assert.Equal(1, run.ExitCode);
        Assert.Contains($"3 bytes arrived, address 0x{hole:x} is not mapped", run.Error, StringComparison.Ordinal);
        JsonElement[] ranges = [.. JsonDocument.Parse(run.Output).RootElement.GetProperty("ranges").EnumerateArray()];
        Assert.Equal((3, $"0x{hole:x}"), (ranges[0].GetProperty("read").GetInt32(), ranges[0].GetProperty("fault_address").GetString()));
        Assert.Equal(Convert.ToHexStringLower(HeldMemory.Pattern(2 * (long)HeldMemory.Page, 2)), ranges[1].GetProperty("hex").GetString());
        Assert.False(ranges[1].TryGetProperty("fault_address", out _));
    }

    [Fact]
    public void TheMapIsForPeopleAndForPrograms()
    {
        using HeldMemory held = HeldMemory.Pages("wr");
        string pid = $"{held.Pid}";
        string text = Tool.Succeeds("mem", "maps", pid).Output;
        Assert.Contains($"{held.Address + HeldMemory.Page:x12}-{held.Address + (2 * HeldMemory.Page):x12} r--p {HeldMemory.Page,14}", text, StringComparison.Ordinal);
        JsonElement region = JsonDocument.Parse(Tool.Succeeds("mem", "maps", pid, "--json").Output).RootElement.EnumerateArray()
            .Single(r => r.GetProperty("start").ValueEquals($"0x{held.Address + HeldMemory.Page:x}"));
        Assert.Equal("r--p", region.GetProperty("protection").GetString());
    }

    [Theory]
    [InlineData("'nobody' is not the number", "mem", "maps", "nobody")]
    [InlineData("'xyz' is not ADDRESS[:LENGTH]", "mem", "read", "1", "xyz")]
    [InlineData("'1:zz' is not ADDRESS[:LENGTH]", "mem", "read", "1", "1:zz")]
    [InlineData("one of --hex, --text and --file", "mem", "write", "1", "10")]
    [InlineData("one of --hex, --text and --file", "mem", "write", "1", "10", "--text", "a", "--hex", "00")]
    [InlineData("'abc' is not hexadecimal", "mem", "write", "1", "10", "--hex", "abc")]
    [InlineData("do not go together", "mem", "read", "1", "10", "--raw", "--json")]
    [InlineData("See 'onecopy mem maps --help'", "mem", "maps")]
    public void WrongUsageEndsWithTwoAndASentence(string sentence, params string[] arguments)
    {
        Tool run = Tool.Run(arguments);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(sentence, run.Error, StringComparison.Ordinal);
        Assert.Equal("", run.Output.Trim());
    }

    [Fact]
    public void AFailureEndsWithOneAndASentence()
    {
        Tool run = Tool.Run("mem", "read", "2000000000", "10");
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("There is no process 2000000000", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void HelpTeaches()
    {
        string help = Tool.Succeeds("mem", "read", "--help").Output;
        Assert.Contains("onecopy mem read <PID> <ADDRESS[:LENGTH]>...", help, StringComparison.Ordinal);
        Assert.Contains("onecopy mem read 4711 7f0c2a1b3000:4096 --raw > page.bin", help, StringComparison.Ordinal);
        Assert.DoesNotContain("4711", Tool.Succeeds("mem", "--help").Output, StringComparison.Ordinal);
    }
}
