using Xunit;

namespace OneCopy.Tests;

public class SmokeTest
{
    [Fact]
    public void Works() => Assert.True(true);
}
